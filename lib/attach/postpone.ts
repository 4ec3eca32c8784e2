/** What cannot be written to the store now is kept for the next transaction that can. */
import type { Request } from "../cni/request.ts";
import { errorText, HeadcniError, StoreError } from "../errors.ts";
import { log } from "../log.ts";
import { appendSpool, type SpoolEntry } from "../store/spool.ts";
import { type AttachContext, attachmentKey, moment } from "./context.ts";
import { requestDirectory } from "./open_store.ts";

/**
 * Keeps the release of a pod whose DEL the store failed: what is gone is gone, and a runtime that
 * asks again and again would not make space.
 * @throws `error` itself when it is not the store's fault, when it passes by itself, or when not even
 * the release can be kept.
 */
export async function postponeRelease(
  error: unknown,
  request: Request,
  context: AttachContext,
): Promise<void> {
  if (!mayPostpone(error)) throw error;
  const key = attachmentKey(request);
  try {
    await append(request, context, { release: key, ...moment(context) });
  } catch (cause) {
    log.error("Cannot keep a release for later", { ...key, error: cause });
    throw error;
  }
  log.warn("Kept a release for later: the store cannot be written", { ...key, error });
}

/** True for a fault of the store that does not pass by itself. */
export function mayPostpone(error: unknown): boolean {
  return error instanceof StoreError && error.reason !== "try-again";
}

/**
 * Runs an ADD, and counts it by the cause when it fails; a count that cannot be kept is lost.
 * @throws what `add` throws.
 */
export async function counted<T>(
  request: Request,
  context: AttachContext,
  add: () => Promise<T>,
): Promise<T> {
  try {
    return await add();
  } catch (error) {
    await countFailure(error, request, context);
    throw error;
  }
}

async function countFailure(
  error: unknown,
  request: Request,
  context: AttachContext,
): Promise<void> {
  const cause = error instanceof HeadcniError ? error.reason : "internal";
  try {
    await append(request, context, { count: ["errors", request.config.name, cause] });
  } catch (error) {
    log.debug(`Cannot count a failed ADD: ${errorText(error)}`);
  }
}

function append(request: Request, context: AttachContext, entry: SpoolEntry): Promise<void> {
  return appendSpool(context.runDirectory, requestDirectory(request, context), entry);
}
