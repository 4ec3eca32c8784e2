/**
 * The same configuration through Debian's plugins and through ours: pods get the same addresses and
 * routes, and runtimes hear the same of them, but for what {@linkcode DIFFERENCES} names.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { seededRandom } from "../fakes/seeded_random.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { type AddResult, bare, DEBIAN_PLUGINS, type NetworkConfig, TestNode } from "./plugin.ts";
import { missingDebian } from "./debian.ts";
import { observePod, type PodState } from "./pod_state.ts";

/** How many configurations are drawn, beside {@linkcode CORNERS}. */
const DRAWS = 15;

type Family = 4 | 6;

/** A configuration that both sides understand. */
interface Draw {
  readonly datapath: "bridge" | "ptp";
  readonly families: readonly Family[];
  readonly routes: RouteSet;
  readonly ownGateway: boolean;
  readonly isGateway: boolean;
  readonly isDefaultGateway?: boolean;
  readonly mtu: number;
}

type RouteSet = "none" | "default" | "service" | "several";

/** Routes that IPAM is told, by family. */
const ROUTES: Record<RouteSet, Record<Family, readonly { dst: string; gw?: string }[]>> = {
  none: { 4: [], 6: [] },
  default: { 4: [{ dst: "0.0.0.0/0" }], 6: [{ dst: "::/0" }] },
  service: { 4: [{ dst: "10.96.0.0/12" }], 6: [{ dst: "fd00:96::/108" }] },
  several: {
    4: [{ dst: "0.0.0.0/0" }, { dst: "192.0.2.0/24", gw: "10.9.0.200" }],
    6: [{ dst: "2001:db8::/32" }, { dst: "::/0" }],
  },
};

const SUBNETS = { 4: "10.9.0.0/24", 6: "fd00:9::/64" } as const;
const GATEWAYS = { 4: "10.9.0.1", 6: "fd00:9::1" } as const;
const OWN_GATEWAYS = { 4: "10.9.0.254", 6: "fd00:9::fe" } as const;

/** What is always tried: every known difference occurs. */
const CORNERS: readonly Draw[] = [
  draw({ routes: "none" }),
  draw({ datapath: "ptp", families: [4, 6] }),
  draw({ isDefaultGateway: true, families: [6, 4], routes: "service" }),
  draw({ datapath: "ptp", isDefaultGateway: true, routes: "service" }),
  draw({ datapath: "ptp", routes: "several" }),
  draw({ isDefaultGateway: true }),
];

/** What a pod got, and what the runtime heard. */
interface Outcome {
  readonly exitCode: number;
  readonly pod?: PodState | undefined;
  readonly interfaceCount?: number;
  readonly ips?: readonly ResultIp[];
  /** Sorted by destination. */
  readonly routes?: readonly ResultRoute[];
}

type ResultIp = NonNullable<AddResult["ips"]>[number];
type ResultRoute = NonNullable<AddResult["routes"]>[number];

type Ask = (config: Draw) => Promise<Outcome>;

/** How ours is known to differ: from which configurations, and what it makes of their outcome. */
interface Difference {
  readonly name: string;
  applies(config: Draw): boolean;
  /** @param ask what theirs do with another configuration. */
  rewrite(theirs: Outcome, config: Draw, ask: Ask): Outcome | Promise<Outcome>;
}

const DIFFERENCES: readonly Difference[] = [
  {
    name: "bridge accepts isDefaultGateway beside a default route of IPAM",
    applies: ({ datapath, routes, isDefaultGateway }) =>
      datapath === "bridge" && isDefaultGateway === true && ["default", "several"].includes(routes),
    rewrite: (_theirs, config, ask) => ask({ ...config, isDefaultGateway: false, isGateway: true }),
  },
  {
    name: "without any route from IPAM pods get a default route",
    applies: ({ routes, isDefaultGateway }) => routes === "none" && isDefaultGateway === undefined,
    rewrite: addDefaultRoutes,
  },
  {
    name: "ptp knows isDefaultGateway",
    applies: ({ datapath, routes, isDefaultGateway }) =>
      datapath === "ptp" && isDefaultGateway === true && ["none", "service"].includes(routes),
    rewrite: addDefaultRoutes,
  },
  {
    name: "ptp gives addresses without a subnet",
    applies: ({ datapath }) => datapath === "ptp",
    rewrite: narrowAddresses,
  },
  {
    name: "ptp refuses a route by a gateway that no link leads to",
    applies: ({ datapath, routes, families }) =>
      datapath === "ptp" && routes === "several" && families.includes(4),
    rewrite: () => ({ exitCode: 1 }),
  },
];

testUnless(
  missingDebian(),
  "headcni: does what Debian's bridge, ptp and host-local do",
  async () => {
    const { random } = seededRandom();
    const configs = [...CORNERS, ...Array.from({ length: DRAWS }, () => drawAny(random))];
    await using ours = await TestNode.make();
    await using theirs = await TestNode.make();
    for (const [index, config] of configs.entries()) {
      const text = JSON.stringify(config);
      const ask: Ask = (other) => outcome(theirs, `asked${index}`, other, "theirs");
      let wanted = await outcome(theirs, `net${index}`, config, "theirs");
      for (const difference of DIFFERENCES.filter(({ applies }) => applies(config))) {
        const rewritten = await difference.rewrite(wanted, config, ask);
        assertNotEquals(rewritten, wanted, `does not occur: ${difference.name}: ${text}`);
        wanted = rewritten;
      }
      assertEquals(await outcome(ours, `net${index}`, config, "ours"), wanted, text);
    }
    for (const { name, applies } of DIFFERENCES) {
      const count = configs.filter(applies).length;
      assert(count > 0, name);
      console.log(`${count} times: ${name}`);
    }
  },
);

function draw(keys: Partial<Draw>): Draw {
  return {
    datapath: "bridge",
    families: [4],
    routes: "default",
    ownGateway: false,
    isGateway: true,
    mtu: 1500,
    ...keys,
  };
}

function drawAny(random: (bound: number) => number): Draw {
  const pick = <T>(...values: readonly [T, ...T[]]): T =>
    values[random(values.length)] ?? values[0];
  return {
    datapath: pick("bridge", "ptp"),
    families: pick<readonly Family[]>([4], [6], [4, 6], [6, 4]),
    routes: pick("none", "default", "service", "several"),
    ownGateway: pick(true, false),
    isGateway: pick(true, false),
    ...pick({}, { isDefaultGateway: true }, { isDefaultGateway: false }),
    mtu: pick(1280, 1400, 1500),
  };
}

/** Adds a pod on a network of its own, observes it, and removes it. */
async function outcome(
  node: TestNode,
  name: string,
  config: Draw,
  side: "ours" | "theirs",
): Promise<Outcome> {
  const pod = await node.makePod();
  // Their plugins wait for duplicate address detection.
  for (const place of [node.host, pod]) {
    await place.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0");
  }
  const call = {
    config: networkConfig(node, name, config, side),
    pod,
    ...side === "theirs" && { plugin: `${DEBIAN_PLUGINS}/${config.datapath}` },
  };
  const { code, stdout } = await node.call({ ...call, verb: "ADD" });
  const observed = await observePod(pod, "eth0");
  await node.succeed({ ...call, verb: "DEL" });
  assertEquals(await node.host.ip("link", "show", "type", "veth"), []);
  if (code !== 0) return { exitCode: code };
  const { interfaces = [], ips = [], routes = [] }: AddResult = JSON.parse(stdout);
  return {
    exitCode: code,
    pod: observed,
    interfaceCount: interfaces.length,
    ips,
    routes: routes.toSorted(byDestination),
  };
}

function addDefaultRoutes(theirs: Outcome, { families, ownGateway }: Draw): Outcome {
  const added = families.map((family) => ({
    dst: ROUTES.default[family][0]?.dst ?? "",
    gw: ownGateway ? OWN_GATEWAYS[family] : GATEWAYS[family],
  }));
  const routes = added.map(({ dst, gw }) => `${dst} via ${gw}`);
  return {
    ...theirs,
    ...theirs.pod && { pod: { ...theirs.pod, routes: [...theirs.pod.routes, ...routes].sort() } },
    routes: [...theirs.routes ?? [], ...added].sort(byDestination),
  };
}

/** The kernel lists an IPv6 address of 128 bits as a route too. */
function narrowAddresses(theirs: Outcome): Outcome {
  const ips = theirs.ips?.map((ip) => ({ ...ip, address: narrow(ip.address) })) ?? [];
  const addresses = ips.map(({ address }) => address).sort();
  const hosts = addresses.filter((address) => address.includes(":")).map(bare);
  const { pod } = theirs;
  return {
    ...theirs,
    ips,
    ...pod && { pod: { ...pod, addresses, routes: [...pod.routes, ...hosts].sort() } },
  };
}

function narrow(address: string): string {
  return `${bare(address)}/${address.includes(":") ? 128 : 32}`;
}

function byDestination(a: ResultRoute, b: ResultRoute): number {
  return a.dst < b.dst ? -1 : 1;
}

function networkConfig(
  node: TestNode,
  name: string,
  { datapath, families, routes, ownGateway, isGateway, isDefaultGateway, mtu }: Draw,
  side: "ours" | "theirs",
): NetworkConfig {
  const ranges = families.map((family) => [
    { subnet: SUBNETS[family], ...ownGateway && { gateway: OWN_GATEWAYS[family] } },
  ]);
  const types = side === "ours"
    ? { type: "headcni", datapath, ipam: "headcni-ipam" }
    : { type: datapath, ipam: "host-local" };
  return {
    ...types,
    cniVersion: "1.0.0",
    name,
    bridge: name,
    ipMasq: false,
    isGateway,
    ...isDefaultGateway !== undefined && { isDefaultGateway },
    mtu,
    ipam: {
      type: types.ipam,
      ranges,
      routes: families.flatMap((family) => ROUTES[routes][family]),
      dataDir: `${node.root}/data`,
    },
  };
}
