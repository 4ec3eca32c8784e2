/** `headcni mesh peers`: the other nodes of the tailnet. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { formatAddress } from "../../../lib/net/address.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { allRoutes } from "../../../lib/mesh/peer_routes.ts";
import type { TailnetPeer } from "../../../lib/mesh/tailnet.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatAge, formatTable } from "../table.ts";
import { requireStatus } from "./require_status.ts";
import { addVerb, examine, type MeshOptions } from "./verb.ts";

const HELP = `
JSON: [{"name", "addresses", "routes", "online", "path", "lastHandshake", "tags"}]; path is an address and
port when packets go straight there, else "relay:" and the region, else empty.

Example:
  headcni mesh peers`;

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
}

/** Adds the verb `peers`. */
export function addPeers(mesh: Command, env: Environment): void {
  addVerb(mesh, "peers", "list the other nodes of the tailnet, and the way to them")
    .addHelpText("after", HELP)
    .action(async (options: MeshOptions) => {
      const { sight } = await examine(options, env);
      const peers = requireStatus(sight).peers.map(viewPeer);
      await print(options.output, peers, (screen) => formatPeers(peers, Date.now(), screen));
    });
}

function viewPeer(peer: TailnetPeer): PeerView {
  const { hostName: name, addresses, directAddress, relay, lastHandshake } = peer;
  return {
    name,
    addresses: addresses.map(formatAddress),
    routes: allRoutes(peer).map(formatPrefix),
    online: peer.isOnline,
    path: directAddress || (relay && `relay:${relay}`),
    lastHandshake: lastHandshake ?? null,
    tags: peer.tags,
  };
}

function formatPeers(peers: readonly PeerView[], nowMs: number, screen: Screen): string {
  if (peers.length === 0) return "The tailnet has no other node.";
  return formatTable(
    ["NAME", "ADDRESSES", "ROUTES", "ONLINE", "PATH", "HANDSHAKE"],
    peers.map(({ name, addresses, routes, online, path, lastHandshake }) => [
      name,
      addresses.join(",") || "-",
      routes.join(",") || "-",
      online ? "yes" : "no",
      path || "-",
      lastHandshake === null ? "-" : formatAge(nowMs - Date.parse(lastHandshake)),
    ]),
    screen,
  );
}
