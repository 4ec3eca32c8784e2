import type { AttachContext } from "../../lib/attach/context.ts";
import { openRequestStore } from "../../lib/attach/open_store.ts";
import { parseOwnIpam, probeOwn } from "../../lib/attach/own_ipam.ts";
import type { Request } from "../../lib/cni/request.ts";
import { errorText, HeadcniError } from "../../lib/errors.ts";

/**
 * Tries what ADD needs: the configuration, a store that can be written, a free address of each set.
 * @throws HeadcniError `unavailable` with the reason.
 */
export async function status(request: Request, context: AttachContext): Promise<void> {
  try {
    const ipam = parseOwnIpam(request);
    await using store = await openRequestStore(request, context);
    await store.write((tx) => probeOwn(tx, request, ipam));
  } catch (cause) {
    throw new HeadcniError("unavailable", `Cannot serve ADD: ${errorText(cause)}`, { cause });
  }
}
