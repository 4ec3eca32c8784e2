/**
 * GC: removes what attachments of this network left behind. With a list of the valid ones all others
 * go: SPEC.md section 4, "GC". Without one, which is not an empty list, only what is proven dead
 * goes.
 */
import { type AttachmentKey, byAttachment, formatAttachment } from "../attachment.ts";
import type { Request, ValidAttachment } from "../cni/request.ts";
import { errorText, HeadcniError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { judgeLease } from "../ipam/liveness.ts";
import { log } from "../log.ts";
import { listAliases, listIfbOwners } from "../pod/identity.ts";
import { type Attachment, listAttachments } from "../store/attachments.ts";
import { isDamage } from "../store/failure.ts";
import { listLeases } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import { collectDead, DEFAULT_GRACE_MS } from "./collect_dead.ts";
import { type AttachContext, moment } from "./context.ts";
import { gatherEvidence } from "./evidence.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { closePorts, trySweepPorts } from "./host_ports.ts";
import { isListed } from "./left_over.ts";
import { callMember } from "./members.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";
import { release } from "./release.ts";
import { resolveIfPossible } from "./resolve.ts";

/** What is left of an attachment. */
interface LeftOver {
  readonly key: AttachmentKey;
  /** What ADD recorded of it. */
  readonly attachment?: Attachment;
}

/**
 * Removes every attachment of the network that is not valid, going on after a failure.
 * @throws HeadcniError `try-again` that names all that could not be removed.
 */
export async function collect(request: Request, context: AttachContext): Promise<void> {
  const { name, validAttachments } = request.config;
  await collectFrom(request, context, async (store) => {
    using host = context.node.openHost();
    const failures = store && !validAttachments ? await freeDeadOf(name, context, store) : [];
    const leftOver = validAttachments
      ? await findUnlisted(name, validAttachments, host, store)
      : await findDeadRecords(name, context, store);
    for (const each of leftOver) {
      failures.push(...await remove(each, request, context, store));
    }
    failures.push(...await forward(request, context));
    const fault = trySweepPorts(context);
    if (fault !== undefined) failures.push(fault);
    return failures;
  });
}

/** Hands the list of valid attachments on to the plugins that ADD would call; answers failures. */
async function forward(request: Request, context: AttachContext): Promise<string[]> {
  const { request: resolved, members, fault } = resolveIfPossible(request, context);
  if (fault !== undefined) log.warn(`Cannot tell other plugins what is valid: ${fault}`);
  const list = "cni.dev/valid-attachments";
  const valid = request.config.raw[list];
  const calls = members
    ? members.map(({ config, ...member }) => () =>
      member.kind === "plugin"
        ? callMember("GC", { ...member, config: { ...config, [list]: valid } }, resolved, undefined)
        : callForeignIpam("GC", resolved, { ...config, [list]: valid })
    )
    : [() => callForeignIpam("GC", resolved)];
  const failures: string[] = [];
  for (const call of calls) {
    await call().catch((error) => failures.push(`another plugin: ${errorText(error)}`));
  }
  return failures;
}

/**
 * Runs a GC on the store of a request, and once more when it meets a damaged record: who opens the
 * store next makes it anew, and one record keeps nothing else from being collected.
 * @param fn answers what it could not remove, one text each; there may be no store.
 * @throws HeadcniError `try-again` with these texts, or what `fn` throws.
 */
export async function collectFrom(
  request: Request,
  context: AttachContext,
  fn: (store: Store | undefined) => Promise<string[]>,
): Promise<void> {
  const pass = async () => {
    await using store = await openRequestStoreIfPresent(request, context);
    return await fn(store);
  };
  const failures = await pass().catch((error) => {
    if (!isDamage(error)) throw error;
    log.warn("Collect again from a store that is damaged", { error });
    return pass();
  });
  if (failures.length === 0) return;
  throw new HeadcniError(
    "try-again",
    `Cannot remove all that is left of network "${request.config.name}": ${failures.join("; ")}`,
  );
}

/** Frees the leases of a network that are proven dead; answers what could not be freed. */
export async function freeDeadOf(
  network: string,
  context: AttachContext,
  store: Store,
): Promise<string[]> {
  const options = { graceMs: DEFAULT_GRACE_MS, network, dryRun: false };
  const judged = await collectDead(store, context, options);
  return judged.flatMap(({ lease: { key }, failure }) =>
    failure === undefined ? [] : `${formatAttachment(key)}: ${failure}`
  );
}

/** What is not in the list, by three witnesses: records, leases, and links of the kernel. */
async function findUnlisted(
  network: string,
  valid: readonly ValidAttachment[],
  host: Host,
  store: Store | undefined,
): Promise<LeftOver[]> {
  const recorded = await store?.read(async (reader): Promise<LeftOver[]> => [
    ...(await listLeases(reader, network)).map(({ key }) => ({ key })),
    ...(await listAttachments(reader, network)).map((attachment) => ({
      key: attachment.key,
      attachment,
    })),
  ]) ?? [];
  const links = host.listLinks("host");
  // The ifb of a pod stays when its namespace takes the other link along.
  const linked = [...listAliases(links), ...listIfbOwners(links).map((key) => ({ key }))]
    .filter(({ key }) => key.network === network);
  const all = [...linked, ...recorded].filter(({ key }) => !isListed(valid, key));
  return [...byAttachment(all).values()];
}

/** Records without a lease: mostly those that an IPAM plugin of somebody else has yet to be told of. */
async function findDeadRecords(
  network: string,
  context: AttachContext,
  store: Store | undefined,
): Promise<LeftOver[]> {
  const evidence = gatherEvidence(context);
  return await store?.read(async (reader) => {
    const leases = await listLeases(reader, network);
    const leased = byAttachment(leases);
    return (await listAttachments(reader, network)).flatMap((attachment) => {
      const { key } = attachment;
      if (leased.has(formatAttachment(key))) return [];
      // Their age is not known, but an ADD that is under way has its namespace to tell for it.
      const suspect = { ...attachment, createdUptimeMs: 0, hostNetns: "" };
      const facts = evidence(suspect, attachment);
      return judgeLease(facts, 0).dead ? [{ key, attachment }] : [];
    });
  }) ?? [];
}

/** Answers one text when something stayed. */
async function remove(
  { key, attachment }: LeftOver,
  request: Request,
  context: AttachContext,
  store: Store | undefined,
): Promise<string[]> {
  try {
    await closePorts(request, key, attachment, context);
    await release({ request, key, attachment, store }, moment(context), context);
    log.info("Removed an attachment that the runtime no longer knows", { ...key });
    return [];
  } catch (error) {
    if (isDamage(error)) throw error;
    return [`${formatAttachment(key)}: ${errorText(error)}`];
  }
}
