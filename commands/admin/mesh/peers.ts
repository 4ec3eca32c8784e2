/** `headcni mesh peers`: the other nodes of the tailnet. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { pingPeers } from "../../../lib/daemon/mesh/ping_peers.ts";
import { formatAddress } from "../../../lib/net/address.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { allRoutes } from "../../../lib/mesh/peer_routes.ts";
import type { TailnetPeer } from "../../../lib/mesh/tailnet.ts";
import { LocalApi, type PingOutcome } from "../../../lib/tailscale/local_api.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatAge, formatTable } from "../table.ts";
import { requireStatus } from "./require_status.ts";
import { addVerb, examine, type MeshOptions } from "./verb.ts";

const HELP = `
With --ping each node that is online is pinged by tailscaled, which no policy of the tailnet stops: the path
is then the one that the ping took. The first may take a relay until a straight way is found.

JSON: [{"name", "addresses", "routes", "online", "path", "lastHandshake", "tags", "latencyMs", "pingError"}];
path is an address and port when packets go straight there, else "relay:" and the region, else empty. The
last two are null without --ping.

Examples:
  headcni mesh peers
  headcni mesh peers --ping`;

/** Longest time for the answer to a ping, in milliseconds: as the tailscale command line has it. */
const PING_DEADLINE_MS = 5_000;

/** A peer, as it is told. */
interface PeerView {
  readonly name: string;
  readonly addresses: readonly string[];
  /** What it serves beside its own addresses. */
  readonly routes: readonly string[];
  readonly online: boolean;
  readonly path: string;
  /** RFC 3339. */
  readonly lastHandshake: string | null;
  readonly tags: readonly string[];
  /** There and back; null when it was not pinged, or did not answer. */
  readonly latencyMs: number | null;
  /** Why there is no latency of one that was pinged. */
  readonly pingError: string | null;
}

/** Adds the verb `peers`. */
export function addPeers(mesh: Command, env: Environment): void {
  addVerb(mesh, "peers", "list the other nodes of the tailnet, and the way to them")
    .option("--ping", "tell how far each is, and by which way it was reached")
    .addHelpText("after", HELP)
    .action(async (options: MeshOptions & { readonly ping?: boolean }) => {
      const { sight } = await examine(options, env);
      const { peers } = requireStatus(sight);
      using api = new LocalApi(sight.socket, { remoteMs: PING_DEADLINE_MS });
      const pings = options.ping ? await pingPeers(api, peers) : undefined;
      const views = peers.map((peer) => viewPeer(peer, pings?.get(peer.nodeKey)));
      const format = (screen: Screen) =>
        formatPeers(views, pings !== undefined, Date.now(), screen);
      await print(options.output, views, format);
    });
}

function viewPeer(peer: TailnetPeer, ping: PingOutcome | undefined): PeerView {
  const { hostName: name, addresses, lastHandshake } = peer;
  const answer = ping && "latencyMs" in ping ? ping : undefined;
  const { directAddress, relay } = answer
    ? { directAddress: answer.endpoint, relay: answer.relay }
    : peer;
  return {
    name,
    addresses: addresses.map(formatAddress),
    routes: allRoutes(peer).map(formatPrefix),
    online: peer.isOnline,
    path: directAddress || (relay && `relay:${relay}`),
    lastHandshake: lastHandshake ?? null,
    tags: peer.tags,
    latencyMs: answer?.latencyMs ?? null,
    pingError: ping && "error" in ping ? ping.error : null,
  };
}

function formatPeers(
  peers: readonly PeerView[],
  hasPings: boolean,
  nowMs: number,
  screen: Screen,
): string {
  if (peers.length === 0) return "The tailnet has no other node.";
  const table = formatTable(
    ["NAME", "ADDRESSES", "ROUTES", "ONLINE", "PATH", ...hasPings ? ["PING"] : [], "HANDSHAKE"],
    peers.map((peer) => [
      peer.name,
      peer.addresses.join(",") || "-",
      peer.routes.join(",") || "-",
      peer.online ? "yes" : "no",
      peer.path || "-",
      ...hasPings ? [pingText(peer)] : [],
      peer.lastHandshake === null ? "-" : formatAge(nowMs - Date.parse(peer.lastHandshake)),
    ]),
    screen,
  );
  const errors = peers.flatMap(({ name, pingError }) => pingError ? [`${name}: ${pingError}`] : []);
  return [table, ...errors].join("\n");
}

function pingText({ latencyMs, pingError }: PeerView): string {
  if (latencyMs !== null) return `${latencyMs.toFixed(1)}ms`;
  return pingError === null ? "-" : "failed";
}
