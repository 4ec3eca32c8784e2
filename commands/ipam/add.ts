import type { AttachContext } from "../../lib/attach/context.ts";
import { openRequestStore } from "../../lib/attach/open_store.ts";
import { ownAnswer, parseOwnIpam, reserveOwn } from "../../lib/attach/own_ipam.ts";
import type { Request } from "../../lib/cni/request.ts";
import type { Result } from "../../lib/cni/result.ts";

/**
 * Leases one address of each range set.
 * @throws ConfigError or StoreError; then nothing is leased.
 */
export async function add(request: Request, context: AttachContext): Promise<Result> {
  const ipam = parseOwnIpam(request);
  await using store = await openRequestStore(request, context);
  const lease = await store.write((tx) => reserveOwn(tx, request, ipam, context));
  return { interfaces: [], ...ownAnswer(lease, ipam) };
}
