/**
 * Whether pods of another node can be reached, tried for real: from the gateway address of our pods to
 * that of theirs. What answers is the other node's kernel, by all that lies between: routes, WireGuard
 * on both sides, packet filters. No port need be open: a refusal is an answer. With datapath `ptp` a node
 * has that address as long as it has a pod: without one it tells nothing of the way.
 */
import type { Probe } from "../../mesh/mesh_facts.ts";
import type { TailnetNode } from "../../mesh/tailnet.ts";
import { formatAddress } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { gatewayOf } from "../../node/gateway_of.ts";

/** What is tried. */
export interface ProbeTarget {
  readonly peer: Pick<TailnetNode, "hostName" | "isOnline">;
  /** Network of its pods. */
  readonly prefix: Prefix;
}

/**
 * Tries to connect from an address of this node to an address elsewhere; answers the code of the error,
 * empty when somebody listens.
 */
export type Connect = (from: string, to: string) => Promise<string>;

/** tcpmux: nobody listens there. */
const PORT = 1;
const DEADLINE_MS = 3_000;

/** Tries all at once; a target of a family that our pods have not is left out. */
export async function probePeers(
  podCidrs: readonly Prefix[],
  targets: readonly ProbeTarget[],
  connect: Connect = connectByTcp,
): Promise<Probe[]> {
  const tried = targets.map(async ({ peer, prefix }): Promise<Probe[]> => {
    const own = podCidrs.find(({ address }) => address.family === prefix.address.family);
    if (!own) return [];
    const [from, to] = [gatewayText(own), gatewayText(prefix)];
    const code = await connect(from, to);
    return [{ peer: peer.hostName, prefix, ...judge(code, from, to, peer) }];
  });
  return (await Promise.all(tried)).flat();
}

function judge(
  code: string,
  from: string,
  to: string,
  { isOnline }: ProbeTarget["peer"],
): Pick<Probe, "verdict" | "text"> {
  if (ANSWERS.includes(code)) return { verdict: "pass", text: `${to} answers ${from}` };
  if (code === NOT_HERE) {
    return { verdict: "unknown", text: `this node has no address ${from} to send from${NO_POD}` };
  }
  const seen = `${to} does not answer ${from} (${code})`;
  if (!isOnline) return { verdict: "unknown", text: `${seen}: the node is offline` };
  return TOLD_ON_THE_WAY.includes(code)
    ? { verdict: "unknown", text: `${seen}${NO_POD}` }
    : { verdict: "fail", text: seen };
}

const NOT_HERE = "EADDRNOTAVAIL";
/** Nobody listens; empty when somebody does. */
const ANSWERS = ["", "ECONNREFUSED"];
/** A kernel tells that there is no such address: what a policy drops nobody tells of. */
const TOLD_ON_THE_WAY = ["EHOSTUNREACH", "ENETUNREACH"];
const NO_POD = ": with datapath ptp it is there as long as a pod is";

function gatewayText(cidr: Prefix): string {
  return formatAddress(gatewayOf(cidr).address);
}

/** `ETIMEDOUT` when nothing came. */
async function connectByTcp(localAddress: string, host: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  // Loaded by nobody who does not probe: it takes longer than most commands.
  const { Socket } = await import("node:net");
  const socket = new Socket();
  const timer = setTimeout(() => resolve("ETIMEDOUT"), DEADLINE_MS);
  socket.on("error", (error: NodeJS.ErrnoException) => {
    // Deno tells EINVAL of an address that is not here.
    resolve(error.syscall === "bind" ? NOT_HERE : error.code ?? error.message);
  });
  socket.on("connect", () => resolve(""));
  socket.connect({ host, port: PORT, localAddress });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
