/** STATUS: whether an ADD could work now; an operator sees its text in the node's condition. */
import type { Request } from "../cni/request.ts";
import { errorText, HeadcniError } from "../errors.ts";
import { parsePodNetwork } from "../pod/config.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import { requireBridge } from "../pod/plan_bridge.ts";
import { probeWrite, type Store } from "../store/store.ts";
import type { AttachContext } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { readNodeState } from "./node_state.ts";
import { openRequestStore } from "./open_store.ts";
import { callMember, nativeRequest } from "./members.ts";
import { parseOwnIpam, probeOwn } from "./own_ipam.ts";
import { writeReclaiming } from "./reclaim.ts";
import { resolveRequest } from "./resolve.ts";

/**
 * Tries what ADD needs: the configuration, the kernel, a store that can be written (it is made
 * where there is none), what the daemon says of this node, and a free address or the word of each plugin that ADD would call. As ADD, it first frees what
 * earlier boots left: no ADD would come while the answer is that nothing is free.
 * @throws HeadcniError `unavailable` with the reason.
 */
export async function status(request: Request, context: AttachContext): Promise<void> {
  try {
    requireHealthyNode(context);
    const { request: resolved, members } = resolveRequest(request, context);
    await using store = await openRequestStore(resolved, context);
    if (!members) return await probeNative(resolved, context, store);
    await writeReclaiming(store, resolved, context, probeWrite);
    for (const member of members) {
      if (member.kind === "plugin") await callMember("STATUS", member, resolved, undefined);
      else await probeNative(nativeRequest(member, resolved, undefined), context, store);
    }
  } catch (cause) {
    throw new HeadcniError("unavailable", `Cannot serve ADD: ${errorText(cause)}`, { cause });
  }
}

/** The daemon sees what no single call does; a node without one has nothing to say. */
function requireHealthyNode({ node, runDirectory }: AttachContext): void {
  const { problems = [] } = readNodeState(runDirectory, node.bootId()) ?? {};
  if (problems.length === 0) return;
  throw new HeadcniError("unavailable", `the daemon of this node says: ${problems.join("; ")}`);
}

async function probeNative(
  request: Request,
  context: AttachContext,
  store: Store,
): Promise<void> {
  const network = parsePodNetwork(request.config, undefined);
  using host = context.node.openHost();
  if (network.datapath === "bridge") {
    requireBridge(network, host.findLink("host", network.bridge));
  }
  const ipam = hasForeignIpam(request.config.raw) ? undefined : parseOwnIpam(request, network);
  await writeReclaiming(
    store,
    request,
    context,
    (tx) => ipam ? probeOwn(tx, request, ipam, context) : probeWrite(tx),
  );
  await callForeignIpam("STATUS", request);
}
