/**
 * GC: removes what attachments of this network left behind that the runtime no longer knows.
 * Without a list of valid attachments (which is not an empty list) only what is provably gone is
 * removed: an attachment whose namespace and whose host link are both away.
 */
import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import type { Request } from "../cni/request.ts";
import { errorText, HeadcniError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { hostLinkName, parseAlias } from "../pod/identity.ts";
import { type Attachment, listAttachments } from "../store/attachments.ts";
import { listLeases } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import { type AttachContext, moment } from "./context.ts";
import { release, removeLink } from "./detach.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { isListed, isNetnsGone } from "./left_over.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";

/** What is known of an attachment that might be left over. */
interface Candidate {
  readonly key: AttachmentKey;
  /** Path of its namespace, where the store knows it. */
  readonly netns?: string;
  /** What ADD recorded of it. */
  readonly attachment?: Attachment;
}

/**
 * Removes every attachment of the network that is not valid, going on after a failure.
 * @throws HeadcniError `try-again` that names all that could not be removed.
 */
export async function collect(request: Request, context: AttachContext): Promise<void> {
  using host = context.node.openHost();
  await using store = await openRequestStoreIfPresent(request, context);
  const failures: string[] = [];
  for (const candidate of await listCandidates(request, host, store)) {
    if (!isLeftOver(request, host, candidate)) continue;
    const { key } = candidate;
    try {
      await removeLink(host, key);
      await release(request, key, candidate.attachment, store, moment(context));
      log.info("Removed an attachment that the runtime no longer knows", { ...key });
    } catch (error) {
      failures.push(`${formatAttachment(key)}: ${errorText(error)}`);
    }
  }
  await callForeignIpam("GC", request).catch((error) => {
    failures.push(`IPAM plugin: ${errorText(error)}`);
  });
  if (failures.length === 0) return;
  throw new HeadcniError(
    "try-again",
    `Cannot remove all that is left of network "${request.config.name}": ${failures.join("; ")}`,
  );
}

/** Attachments of the network by three witnesses: records, leases, and links of the kernel. */
async function listCandidates(
  request: Request,
  host: Host,
  store: Store | undefined,
): Promise<Candidate[]> {
  const { name } = request.config;
  const recorded = await store?.read(async (reader): Promise<Candidate[]> => {
    const attachments = await listAttachments(reader, name);
    const leases = await listLeases(reader, name);
    return [
      ...leases.map(({ key, netns }) => ({ key, netns })),
      ...attachments.map((attachment) => ({ ...attachment, attachment })),
    ];
  }) ?? [];
  const linked = host.listLinks("host").flatMap(({ alias }) => parseAlias(alias) ?? [])
    .filter(({ key }) => key.network === name);
  const candidates = [...linked, ...recorded];
  return [...new Map(candidates.map((one) => [formatAttachment(one.key), one])).values()];
}

function isLeftOver(request: Request, host: Host, { key, netns }: Candidate): boolean {
  const valid = request.config.validAttachments;
  if (valid) return !isListed(valid, key);
  if (netns === undefined || host.findLink("host", hostLinkName(key))) return false;
  return isNetnsGone(netns);
}
