/** STATUS: whether an ADD could work now; its text is what an operator sees in the node's condition. */
import type { Request } from "../cni/request.ts";
import { errorText, HeadcniError } from "../errors.ts";
import { isForeignIpam, parsePodNetwork } from "../pod/config.ts";
import type { AttachContext } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { openRequestStore } from "./open_store.ts";
import { parseOwnIpam } from "./own_ipam.ts";

/**
 * Tries what ADD needs, without changing anything: the configuration, the kernel, the store, and
 * the IPAM plugin.
 * @throws HeadcniError `unavailable` with the reason.
 */
export async function status(request: Request, context: AttachContext): Promise<void> {
  try {
    const network = parsePodNetwork(request.config, undefined);
    using host = context.node.openHost();
    host.findLink("host", network.bridge);
    await using store = await openRequestStore(request, context);
    await store.read(() => Promise.resolve());
    if (isForeignIpam(request.config.raw)) await callForeignIpam("STATUS", request);
    else parseOwnIpam(request, network);
  } catch (cause) {
    throw new HeadcniError("unavailable", `Cannot serve ADD: ${errorText(cause)}`, { cause });
  }
}
