/** The sides of the benchmark and their configurations. */
import { dirname, join } from "@std/path";
import type { Contender, Plugin } from "./side.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Directory of Debian's plugins. */
const PEERS = "/usr/lib/cni";

/** The program under test. */
export const HEADCNI = Deno.env.get("HEADCNI_BIN") ?? join(ROOT, "dist/headcni");

const [OUR_SUBNET, OUR_GATEWAY] = ["10.98.0.0/24", "10.98.0.1"];
const [PEER_SUBNET, PEER_GATEWAY] = ["10.99.0.0/24", "10.99.0.1"];

/** What every network has, whoever makes it. */
const NETWORK = {
  cniVersion: "1.0.0",
  name: "bench",
  isGateway: true,
  ipMasq: true,
  hairpinMode: true,
  mtu: 1500,
};

/** One host port and one limit in each direction, as a runtime sends them. */
const CAPABILITIES = {
  runtimeConfig: {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    bandwidth: {
      ingressRate: 100_000_000,
      ingressBurst: 8_000_000,
      egressRate: 100_000_000,
      egressBurst: 8_000_000,
    },
  },
};

function ours(keys: Readonly<Record<string, unknown>> = {}, executable = HEADCNI): Plugin {
  return {
    executable,
    config: (directory) => ({
      ...NETWORK,
      type: "headcni",
      bridge: "hcbench0",
      ipam: ipam("headcni-ipam", OUR_SUBNET, directory),
      ...keys,
    }),
  };
}

function debianBridge(): Plugin {
  return {
    executable: join(PEERS, "bridge"),
    config: (directory) => ({
      ...NETWORK,
      type: "bridge",
      bridge: "cnibench0",
      ipam: ipam("host-local", PEER_SUBNET, directory),
    }),
  };
}

function debianPlugin(type: string): Plugin {
  const { cniVersion, name } = NETWORK;
  return {
    executable: join(PEERS, type),
    config: () => ({ cniVersion, name, type, ...CAPABILITIES }),
  };
}

function ipam(type: string, subnet: string, dataDir: string) {
  return { type, dataDir, ranges: [[{ subnet }]], routes: [{ dst: "0.0.0.0/0" }] };
}

const AT_HOME = { path: PEERS, gateway: OUR_GATEWAY };
const AT_PEERS = { path: PEERS, gateway: PEER_GATEWAY };

/** Ours alone. */
export const OURS: Contender = { name: "headcni", chain: [ours()], ...AT_HOME };

/** Ours without links: what addresses and their store cost of an ADD. */
export const OURS_IPAM: Contender = {
  name: "headcni-ipam",
  chain: [ours({}, join(dirname(HEADCNI), "headcni-ipam"))],
  ...AT_HOME,
};

/** Debian's on the same work. */
export const PEER: Contender = {
  name: "bridge + host-local",
  chain: [debianBridge()],
  ...AT_PEERS,
};

/** Ours with a host port and limits. */
export const OURS_FULL: Contender = {
  name: "headcni with port and limits",
  chain: [ours(CAPABILITIES)],
  ...AT_HOME,
};

/** Debian's chain on the same work. */
export const PEER_FULL: Contender = {
  name: "bridge + portmap + bandwidth",
  chain: [debianBridge(), debianPlugin("portmap"), debianPlugin("bandwidth")],
  ...AT_PEERS,
};

/** Ours with Debian's bridge doing the work. */
export const DELEGATED: Contender = {
  name: "headcni with a delegate",
  chain: [{
    executable: HEADCNI,
    config: (directory) => {
      const { cniVersion, name, isGateway, ipMasq, hairpinMode, mtu } = NETWORK;
      const { routes, dataDir } = ipam("host-local", PEER_SUBNET, directory);
      const bridge = { type: "bridge", bridge: "cnibench0", isGateway, ipMasq, hairpinMode, mtu };
      const keys = { delegate: bridge, ipam: { routes, dataDir } };
      return { cniVersion, name, type: "headcni", dataDir: `${directory}/store`, ...keys };
    },
  }],
  ...AT_PEERS,
  env: () => ({ HEADCNI_NETWORK: PEER_SUBNET, HEADCNI_SUBNET: PEER_SUBNET }),
};
