/** How far other nodes are, by a ping of tailscaled's own: what no packet filter of the tailnet stops. */
import type { TailnetPeer } from "../../mesh/tailnet.ts";
import type { LocalApi, PingOutcome } from "../../tailscale/local_api.ts";

/** So many at once: each is a connection to tailscaled. */
const LANES = 16;

/**
 * Pings those that are online, by the way that WireGuard's packets take.
 * @returns what came of it, by node key.
 * @throws TailscaleError when tailscaled itself does not answer.
 */
export async function pingPeers(
  api: Pick<LocalApi, "ping">,
  peers: readonly TailnetPeer[],
): Promise<ReadonlyMap<string, PingOutcome>> {
  const outcomes = new Map<string, PingOutcome>();
  const waiting = peers.filter(({ isOnline }) => isOnline).values();
  const pingNext = async () => {
    for (const { nodeKey, addresses: [address] } of waiting) {
      if (address) outcomes.set(nodeKey, await api.ping(address, "disco"));
    }
  };
  await Promise.all(Array.from({ length: LANES }, pingNext));
  return outcomes;
}
