/** The end of an attachment: what other plugins did for it, its addresses, its record. */
import type { AttachmentKey } from "../attachment.ts";
import type { NetworkConfig, Request } from "../cni/request.ts";
import { killUnfinished } from "../delegate/unfinished.ts";
import { type Attachment, dropPorts, forgetAttachment } from "../store/attachments.ts";
import type { Moment } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import type { AttachContext } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { isPresent } from "./left_over.ts";
import { deleteMembers } from "./members.ts";
import { owesOthers } from "./owed.ts";
import { removeLinks } from "./remove_links.ts";
import { deleteUnrecorded } from "./unrecorded.ts";

/** An attachment that ends. */
export interface Ending {
  /** DEL, or GC, which is about no attachment in particular. */
  readonly request: Request;
  readonly key: AttachmentKey;
  /** What ADD recorded; undefined where it recorded nothing, or `unknown` where nobody can tell. */
  readonly attachment: Attachment | "unknown" | undefined;
  readonly store: Store | undefined;
}

/**
 * Ends an attachment: its links, what other plugins did for it, its addresses and its record. What ADD
 * was told counts, for today's configuration may name other plugins.
 * @param rest as for `releaseLease`.
 * @throws ClientError, PluginError, KernelError or StoreError; then the attachment is still recorded.
 */
export async function release(
  ending: Ending,
  rest: Moment | "unused",
  context: AttachContext,
): Promise<void> {
  const { key, attachment, store } = ending;
  const request = requestFor(ending);
  const isRecorded = attachment !== undefined && attachment !== "unknown";
  if (!isRecorded || !attachment.members) await removeOwnLinks(key, context);
  if (isRecorded) await deleteRecorded(attachment, request, store, context);
  else await deleteUnrecorded(request, context, { isCertain: attachment === undefined });
  await store?.write((tx) => forgetAttachment(tx, key, rest));
}

async function removeOwnLinks(key: AttachmentKey, { node }: AttachContext): Promise<void> {
  using host = node.openHost();
  await removeLinks(host, key);
}

async function deleteRecorded(
  attachment: Attachment,
  request: Request,
  store: Store | undefined,
  context: AttachContext,
): Promise<void> {
  const { key, phase, config, members, result } = attachment;
  if (phase === "adding" && owesOthers(attachment)) await killUnfinished(key);
  if (!members) return void await callForeignIpam("DEL", request, toConfig(config));
  const prevResult = request.config.raw.prevResult ?? result;
  try {
    await deleteMembers(members, request, prevResult, context);
  } catch (error) {
    // Its host ports are closed: another pod need not wait for a member that will not end.
    await store?.write((tx) => dropPorts(tx, attachment));
    throw error;
  }
}

/** The call about that attachment: GC has none of its own, and a repeated DEL no namespace. */
function requestFor({ request, key, attachment }: Ending): Request {
  const recorded = attachment === "unknown" ? "" : attachment?.netns ?? "";
  const netns = request.netns || (recorded !== "" && isPresent(recorded) ? recorded : "");
  return { ...request, ...key, netns };
}

function toConfig(stored: unknown): NetworkConfig["raw"] | undefined {
  return typeof stored === "object" && stored !== null ? { ...stored } : undefined;
}
