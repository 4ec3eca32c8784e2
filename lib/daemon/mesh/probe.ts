/**
 * Whether pods of another node can be reached, tried for real: from the gateway address of our pods to
 * that of theirs. What answers is the other node's kernel, by all that lies between: routes, WireGuard
 * on both sides, packet filters. No port need be open: a refusal is an answer.
 */
import { formatAddress } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { gatewayOf } from "../../node/gateway_of.ts";

/** What is tried. */
export interface ProbeTarget {
  /** Name of the other node, for people. */
  readonly peer: string;
  /** Network of its pods. */
  readonly prefix: Prefix;
}

/** What came of it. */
export interface Probe extends ProbeTarget {
  readonly ok: boolean;
  readonly text: string;
}

/** tcpmux: nobody listens there. */
const PORT = 1;
const DEADLINE_MS = 3_000;

/** Tries all at once; a target of a family that our pods have not is left out. */
export async function probePeers(
  podCidrs: readonly Prefix[],
  targets: readonly ProbeTarget[],
): Promise<Probe[]> {
  const tried = targets.map(async (target): Promise<Probe[]> => {
    const own = podCidrs.find(({ address }) => address.family === target.prefix.address.family);
    if (!own) return [];
    const [from, to] = [own, target.prefix].map((cidr) => formatAddress(gatewayOf(cidr).address));
    const code = await connect(from ?? "", to ?? "");
    const ok = code === "" || code === "ECONNREFUSED";
    const said = ok ? "answers" : `does not answer (${code})`;
    const text = `${to} ${said} ${from}`;
    return [{ ...target, ok, text }];
  });
  return (await Promise.all(tried)).flat();
}

/** Answers the error's code, `ETIMEDOUT` when nothing came; empty when somebody listens. */
async function connect(localAddress: string, host: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  // Loaded by nobody who does not probe: it takes longer than most commands.
  const { Socket } = await import("node:net");
  const socket = new Socket();
  const timer = setTimeout(() => resolve("ETIMEDOUT"), DEADLINE_MS);
  socket.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
  socket.on("connect", () => resolve(""));
  socket.connect({ host, port: PORT, localAddress });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
