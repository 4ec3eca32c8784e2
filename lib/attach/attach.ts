/** ADD: by our own network plugin alone, or by the members that a configuration names. */
import type { Request } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import { findPlugin } from "../delegate/find.ts";
import { attachMembers } from "./attach_members.ts";
import { attachNative, planNative } from "./attach_native.ts";
import type { AttachContext } from "./context.ts";
import { beginAttach, recordOutcome } from "./ongoing.ts";
import { openRequestStore } from "./open_store.ts";
import { counted } from "./postpone.ts";
import { resolveRequest } from "./resolve.ts";

/**
 * Gives the pod its link, addresses and routes.
 * @throws ConfigError, KernelError, StoreError or ClientError; then nothing of the pod is left, or
 * what could not be undone is still recorded, and its address still taken, for DEL or GC.
 */
export function attach(request: Request, context: AttachContext): Promise<Result> {
  return counted(request, context, () => attachPod(request, context));
}

async function attachPod(asked: Request, context: AttachContext): Promise<Result> {
  const { request, members, subnet } = resolveRequest(asked, context);
  using opened = new DisposableStack();
  const native = members ? undefined : opened.use(planNative(request, context));
  for (const { kind, type } of members ?? []) if (kind === "plugin") findPlugin(type, request.path);
  await using store = await openRequestStore(request, context);
  await using undo = new AsyncDisposableStack();
  const ongoing = beginAttach({ request, context, store, undo, opened });
  const result = native
    ? await attachNative(native, ongoing)
    : await attachMembers(members ?? [], subnet, ongoing);
  await recordOutcome(ongoing);
  undo.move();
  return result;
}
