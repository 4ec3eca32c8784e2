/** The end of an attachment: what other plugins did for it, its addresses, its record. */
import type { AttachmentKey } from "../attachment.ts";
import type { NetworkConfig, Request } from "../cni/request.ts";
import { killUnfinished } from "../delegate/unfinished.ts";
import { type Attachment, forgetAttachment } from "../store/attachments.ts";
import type { Moment } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import type { AttachContext } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { isPresent } from "./left_over.ts";
import { deleteMembers } from "./members.ts";
import { deleteUnrecorded } from "./unrecorded.ts";

/** An attachment that ends. */
export interface Ending {
  /** DEL, or GC, which is about no attachment in particular. */
  readonly request: Request;
  readonly key: AttachmentKey;
  /** What ADD recorded, where that is known. */
  readonly attachment: Attachment | undefined;
  readonly store: Store | undefined;
}

/**
 * Has other plugins undo what they did for an attachment whose own link is gone, then forgets it.
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
  if (attachment) await deleteRecorded(attachment, request, context);
  else await deleteUnrecorded(request, context);
  await store?.write((tx) => forgetAttachment(tx, key, rest));
}

/** What ADD was told counts: today's configuration may name another plugin, or another store of it. */
async function deleteRecorded(
  { key, phase, config, members, result }: Attachment,
  request: Request,
  context: AttachContext,
): Promise<void> {
  if (!members) return void await callForeignIpam("DEL", request, toConfig(config));
  if (phase === "adding") await killUnfinished(key);
  const prevResult = request.config.raw.prevResult ?? result;
  await deleteMembers(members, request, prevResult, context);
}

/** The call about that attachment: GC has none of its own, and a repeated DEL no namespace. */
function requestFor({ request, key, attachment }: Ending): Request {
  const recorded = attachment?.netns ?? "";
  const netns = request.netns || (recorded !== "" && isPresent(recorded) ? recorded : "");
  return { ...request, ...key, netns };
}

function toConfig(stored: unknown): NetworkConfig["raw"] | undefined {
  return typeof stored === "object" && stored !== null ? { ...stored } : undefined;
}
