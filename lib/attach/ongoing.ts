/** An ADD that the store knows of, or is about to: its record, and what is undone when it fails. */
import { formatAttachment } from "../attachment.ts";
import type { Request } from "../cni/request.ts";
import { ConfigError } from "../errors.ts";
import { log } from "../log.ts";
import {
  type Attachment,
  findAttachment,
  forgetAttachment,
  putAttachment,
} from "../store/attachments.ts";
import type { Store } from "../store/store.ts";
import type { StoreTransaction } from "../store/transaction.ts";
import { type AttachContext, attachmentKey } from "./context.ts";
import { countDuration } from "./durations.ts";
import { postponeRelease } from "./postpone.ts";
import { recordedConfig } from "./recorded_config.ts";

/** What every step of an ADD works on. */
export interface Ongoing {
  readonly request: Request;
  readonly context: AttachContext;
  readonly store: Store;
  /** What is to be undone, the last first. */
  readonly undo: AsyncDisposableStack;
  /** What is open until the ADD is over, its undoing included. */
  readonly opened: DisposableStack;
  /** As the store has it, or will have it when {@linkcode recordIntent} has been committed. */
  attachment: Attachment;
  /** True when the record is in the store. */
  isRecorded: boolean;
  /** Set when something could not be undone: the record stays, for DEL or GC to finish the work. */
  isStuck: boolean;
}

/** An ADD that has changed nothing yet. */
export function beginAttach(
  parts: Pick<Ongoing, "request" | "context" | "store" | "undo" | "opened">,
): Ongoing {
  const { request, context } = parts;
  const attachment: Attachment = {
    key: attachmentKey(request),
    phase: "adding",
    pod: request.pod,
    netns: request.netns,
    bootId: context.node.bootId(),
    createdMs: context.nowMs(),
    config: recordedConfig(request.config),
  };
  return { ...parts, attachment, isRecorded: false, isStuck: false };
}

/**
 * Stages what the ADD is about to do.
 * @throws ConfigError `already-attached` for a second ADD without a DEL: what is there stays.
 */
export async function recordIntent(tx: StoreTransaction, ongoing: Ongoing): Promise<void> {
  const { attachment, attachment: { key } } = ongoing;
  if (!ongoing.isRecorded && await findAttachment(tx, key)) {
    throw new ConfigError(
      "already-attached",
      `Cannot attach "${formatAttachment(key)}": it is attached already; DEL must come first`,
    );
  }
  putAttachment(tx, attachment);
}

/** To be called when the intent is committed: a failure takes the record away, after all the rest. */
export function intentIsRecorded(ongoing: Ongoing): void {
  if (ongoing.isRecorded) return;
  ongoing.isRecorded = true;
  ongoing.undo.defer(() => forgetFailed(ongoing));
}

/**
 * Has something undone when the ADD fails. An undo that fails itself is told by the log alone, and
 * keeps the record.
 * @param what completes "Cannot ..." in the log.
 */
export function undoLater(ongoing: Ongoing, what: string, undo: () => unknown): void {
  ongoing.undo.defer(async () => {
    try {
      await undo();
    } catch (error) {
      ongoing.isStuck = true;
      log.warn(`Cannot ${what} of a failed ADD`, { ...ongoing.attachment.key, error });
    }
  });
}

/** Commits that all is done, and how long it took. */
export async function recordOutcome(ongoing: Ongoing): Promise<void> {
  const { store, attachment, context } = ongoing;
  await store.write((tx) => {
    putAttachment(tx, { ...attachment, phase: "added" });
    countDuration(tx, attachment.key.network, context.elapsedMs());
  });
}

/** An undo: reports its own failure to the log, and keeps the record of what is still there. */
async function forgetFailed(ongoing: Ongoing): Promise<void> {
  const { request, context, attachment: { key }, store, isStuck } = ongoing;
  if (isStuck) return;
  try {
    await store.write((tx) => forgetAttachment(tx, key, "unused"))
      .catch((error) => postponeRelease(error, request, context));
  } catch (error) {
    log.warn("Cannot release the lease of a failed ADD", { ...key, error });
  }
}
