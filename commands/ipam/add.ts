import type { AttachContext } from "../../lib/attach/context.ts";
import { openRequestStore } from "../../lib/attach/open_store.ts";
import { ownAnswer, parseOwnIpam, reserveOwn } from "../../lib/attach/own_ipam.ts";
import { counted } from "../../lib/attach/postpone.ts";
import { writeReclaiming } from "../../lib/attach/reclaim.ts";
import type { Request } from "../../lib/cni/request.ts";
import type { Result } from "../../lib/cni/result.ts";

/**
 * Leases one address of each range set.
 * @throws ConfigError or StoreError; then nothing is leased.
 */
export function add(request: Request, context: AttachContext): Promise<Result> {
  return counted(request, context, () => lease(request, context));
}

async function lease(request: Request, context: AttachContext): Promise<Result> {
  const ipam = parseOwnIpam(request);
  await using store = await openRequestStore(request, context);
  const lease = await writeReclaiming(
    store,
    request,
    context,
    (tx) => reserveOwn(tx, request, ipam, context),
  );
  return { interfaces: [], ...ownAnswer(lease, ipam) };
}
