import type { AttachContext } from "../../lib/attach/context.ts";
import { openRequestStore } from "../../lib/attach/open_store.ts";
import { parseOwnIpam, probeOwn } from "../../lib/attach/own_ipam.ts";
import { writeReclaiming } from "../../lib/attach/reclaim.ts";
import type { Request } from "../../lib/cni/request.ts";
import { errorText, HeadcniError } from "../../lib/errors.ts";

/**
 * Tries what ADD needs: the configuration, a store that can be written, a free address of each set.
 * As ADD, it first frees what earlier boots left.
 * @throws HeadcniError `unavailable` with the reason.
 */
export async function status(request: Request, context: AttachContext): Promise<void> {
  try {
    const ipam = parseOwnIpam(request);
    await using store = await openRequestStore(request, context);
    await writeReclaiming(
      store,
      request,
      context,
      (tx) => probeOwn(tx, request, ipam, context),
    );
  } catch (cause) {
    throw new HeadcniError("unavailable", `Cannot serve ADD: ${errorText(cause)}`, { cause });
  }
}
