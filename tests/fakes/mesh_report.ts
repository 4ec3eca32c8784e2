/** A node in its tailnet, for tests of what is told of it. */
import type { MeshReport } from "../../lib/daemon/mesh/mesh_report.ts";
import type { TailnetPeer } from "../../lib/mesh/tailnet.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";

/** A node whose network is served, and which does not know whether others take its packets. */
export function meshReport(peers = 1, changes: Partial<MeshReport> = {}): MeshReport {
  const route = parsePrefix("10.244.1.0/24");
  const self = {
    nodeKey: `nodekey:${"0".repeat(64)}`,
    hostName: "edge-7",
    dnsName: "edge-7.tail.example",
    addresses: [parseAddress("100.64.0.1")],
    allowedIps: [parsePrefix("100.64.0.1/32"), route],
    primaryRoutes: [route],
    tags: [],
    isOnline: true,
    keyExpiry: "2030-01-01T00:00:00Z",
    isExpired: false,
  };
  const peer: TailnetPeer = {
    ...self,
    hostName: "edge-8",
    directAddress: "",
    relay: "",
    lastHandshake: undefined,
  };
  return {
    podCidrs: [route],
    sight: {
      socket: "/var/run/tailscale/tailscaled.sock",
      status: {
        backendState: "Running",
        version: "1.98.10",
        hasTun: true,
        self,
        peers: Array.from({ length: peers }, () => peer),
        health: [],
        authUrl: "",
        hasNodeKey: true,
      },
      prefs: {
        controlUrl: "https://headscale.example",
        routeAll: true,
        advertiseRoutes: [route],
        noSnat: true,
        noStatefulFiltering: true,
        netfilterMode: 2,
        corpDns: false,
        wantRunning: true,
        loggedOut: false,
        hostname: "",
        shieldsUp: false,
        exitNode: "",
      },
      trouble: undefined,
      kernelTrouble: undefined,
      forwardingWarning: "",
      device: { name: "tailscale0", mtuBytes: 1280 },
      acceptedRoutes: [],
    },
    conditions: [
      { number: 2, id: "routes-served", title: "routes", verdict: "pass", evidence: "", fix: "" },
      { number: 4, id: "source-accepted", title: "us", verdict: "unknown", evidence: "", fix: "" },
    ],
    conflicts: [],
    warnings: [],
    reasons: [],
    headscale: { trouble: undefined },
    logins: 1,
    ...changes,
  };
}
