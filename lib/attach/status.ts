/** STATUS: whether an ADD could work now; an operator sees its text in the node's condition. */
import type { Request } from "../cni/request.ts";
import { errorText, HeadcniError } from "../errors.ts";
import { parsePodNetwork } from "../pod/config.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import { requireBridge } from "../pod/plan_bridge.ts";
import { probeWrite } from "../store/store.ts";
import type { AttachContext } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { openRequestStore } from "./open_store.ts";
import { parseOwnIpam, probeOwn } from "./own_ipam.ts";
import { writeReclaiming } from "./reclaim.ts";

/**
 * Tries what ADD needs: the configuration, the kernel, a store that can be written (it is made
 * where there is none), and a free address or the IPAM plugin's own word. As ADD, it first frees what
 * earlier boots left: no ADD would come while the answer is that nothing is free.
 * @throws HeadcniError `unavailable` with the reason.
 */
export async function status(request: Request, context: AttachContext): Promise<void> {
  try {
    const network = parsePodNetwork(request.config, undefined);
    using host = context.node.openHost();
    if (network.datapath === "bridge") {
      requireBridge(network, host.findLink("host", network.bridge));
    }
    const ipam = hasForeignIpam(request.config.raw) ? undefined : parseOwnIpam(request, network);
    await using store = await openRequestStore(request, context);
    await writeReclaiming(
      store,
      request,
      context,
      (tx) => ipam ? probeOwn(tx, request, ipam, context) : probeWrite(tx),
    );
    await callForeignIpam("STATUS", request);
  } catch (cause) {
    throw new HeadcniError("unavailable", `Cannot serve ADD: ${errorText(cause)}`, { cause });
  }
}
