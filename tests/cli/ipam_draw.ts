/** Random calls of an IPAM plugin: configurations right and wrong, requests, and sequences. */
import { addOffset, formatAddress } from "../../lib/net/address.ts";
import { lastAddress, parsePrefix } from "../../lib/net/prefix.ts";
import { pick, type SeededRandom } from "../fakes/seeded_random.ts";
import type { IpamCall } from "./ipam_node.ts";

type Family = 4 | 6;

type Random = SeededRandom["random"];

/** One range as it is configured. */
export interface DrawnRange {
  readonly subnet: string;
  readonly rangeStart?: string | undefined;
  readonly rangeEnd?: string | undefined;
  readonly gateway?: string | undefined;
}

/** Addresses that are asked for, by the way. */
export interface DrawnRequests {
  /** `IP` of `CNI_ARGS`. */
  readonly argsIp?: readonly string[];
  /** `args.cni.ips`. */
  readonly cniArgs?: readonly string[];
  /** `runtimeConfig.ips`. */
  readonly runtimeIps?: readonly string[];
}

/** What a call is made of; {@linkcode callOf} puts it together. */
export interface Draw {
  readonly verb: IpamCall["verb"];
  readonly containerId: string;
  readonly ifname?: string;
  readonly network: DrawnNetwork;
  readonly requests?: DrawnRequests;
  readonly fault?: Fault;
}

/** A configuration without fault. */
export interface DrawnNetwork {
  /** Empty for none. */
  readonly cniVersion: string;
  readonly sets: readonly (readonly DrawnRange[])[];
  /** Where the first set is written: the keys of the `ipam` section itself hold one range. */
  readonly first: "ipam" | "ranges" | "ipRanges";
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[];
  readonly resolvConf?: string;
  /** More keys of the `ipam` section. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What is wrong with a configuration, by the keys that take the place of the sound ones. */
export interface Fault {
  readonly name: string;
  /** Who refuses a DEL because of it. */
  readonly refusedInDel: "by host-local" | "by both" | "by none";
  readonly network?: Readonly<Record<string, unknown>>;
  readonly ipam?: Readonly<Record<string, unknown>>;
  /** In the place of all sets. */
  readonly sets?: unknown;
  /** A version that is right in itself. */
  readonly cniVersion?: string;
}

/** Name of the network of every draw. */
export const NETWORK = "pods";

const LENGTHS = {
  4: [8, 16, 20, 24, 25, 26, 27, 28, 29, 29, 30, 30, 30],
  6: [32, 48, 64, 80, 96, 112, 120, 123, 124, 125, 126, 126],
} as const;

/** The oldest first; those of the first {@linkcode OLD_VERSIONS} have one address of each family. */
const VERSIONS = ["", "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"];
const OLD_VERSIONS = 3;

const VERBS = ["ADD", "ADD", "ADD", "DEL", "DEL", "CHECK"] as const;

const ROUTES: NonNullable<DrawnNetwork["routes"]> = [
  { dst: "0.0.0.0/0" },
  { dst: "::/0" },
  { dst: "192.0.2.0/24", gw: "10.0.0.1" },
  { dst: "10.96.7.7/12" },
  { dst: "2001:db8:2::0/64", gw: "fd00:0:0::1" },
];

/** Faults of the ranges, as the sets that have them. */
const RANGE_FAULTS: Readonly<Record<string, unknown>> = {
  "subnet without length": [[{ subnet: "10.0.0.0" }]],
  "subnet with leading zeros": [[{ subnet: "10.0.00.0/24" }]],
  "subnet with white space": [[{ subnet: " 10.0.0.0/24" }]],
  "subnet of too many bits": [[{ subnet: "10.0.0.0/33" }]],
  "subnet that is a number": [[{ subnet: 10 }]],
  "range without subnet": [[{ rangeStart: "10.0.0.1" }]],
  "range that is no object": [["10.0.0.0/24"]],
  "set that is no list": [{ subnet: "10.0.0.0/24" }],
  "set without ranges": [[{ subnet: "10.0.0.0/24" }], []],
  "no sets": [],
  "host bits": [[{ subnet: "10.0.0.8/24" }]],
  "host bits of IPv6": [[{ subnet: "fd00::8/64" }]],
  "too small": [[{ subnet: "10.0.0.0/31" }]],
  "a single address": [[{ subnet: "10.0.0.1/32" }]],
  "too small for IPv6": [[{ subnet: "fd00::/127" }]],
  "start below": [[{ subnet: "10.0.1.0/24", rangeStart: "10.0.0.255" }]],
  "start above": [[{ subnet: "fd00::/64", rangeStart: "fd00:0:0:1::" }]],
  "end below": [[{ subnet: "10.0.1.0/24", rangeEnd: "10.0.0.9" }]],
  "end above": [[{ subnet: "10.0.1.0/24", rangeEnd: "10.0.2.9" }]],
  "end before start": [[{ subnet: "10.0.0.0/24", rangeStart: "10.0.0.9", rangeEnd: "10.0.0.8" }]],
  "end before the usual start": [[{ subnet: "10.0.0.0/24", rangeEnd: "10.0.0.0" }]],
  "start of another family": [[{ subnet: "10.0.0.0/24", rangeStart: "fd00::1" }]],
  "start that is no address": [[{ subnet: "10.0.0.0/24", rangeStart: "10.0.0" }]],
  "end that is no address": [[{ subnet: "10.0.0.0/24", rangeEnd: "last" }]],
  "gateway that is no address": [[{ subnet: "10.0.0.0/24", gateway: "10.0.0.1/24" }]],
  "mixed families": [[{ subnet: "10.0.0.0/24" }, { subnet: "fd00::/64" }]],
  "overlap within a set": [[{ subnet: "10.0.0.0/16" }, { subnet: "10.0.9.0/24" }]],
  "overlap of one address": [[
    { subnet: "10.0.0.0/24", rangeEnd: "10.0.0.9" },
    { subnet: "10.0.0.0/24", rangeStart: "10.0.0.9" },
  ]],
  "overlap of two sets": [
    [{ subnet: "10.0.0.0/24" }],
    [{ subnet: "10.1.0.0/24" }],
    [{ subnet: "10.1.0.0/16" }],
  ],
};

/** Faults of the whole configuration. */
const NETWORK_FAULTS: Readonly<Record<string, NonNullable<Fault["network"]>>> = {
  "unknown version": { cniVersion: "0.9.9" },
  "version that is no text": { cniVersion: 1 },
  "name with a blank": { name: "po ds" },
  "no name": { name: "" },
  "args that are no object": { args: [] },
  "runtimeConfig that is no object": { runtimeConfig: "none" },
};

/** Every fault that is drawn. */
const FAULTS: readonly Fault[] = [
  ...Object.entries(RANGE_FAULTS).map(([name, sets]) =>
    onlyTheirs(name, { cniVersion: "1.0.0", sets })
  ),
  ...Object.entries(NETWORK_FAULTS).map(([name, network]): Fault => (
    { name, refusedInDel: "by both", network }
  )),
  onlyTheirs("no ipam", { network: { ipam: undefined } }),
  onlyTheirs("ipam that is null", { network: { ipam: null } }),
  onlyTheirs("requests that are no list", runtimeConfig({ ips: "10.0.0.9" })),
  onlyTheirs("request that is no address", runtimeConfig({ ips: ["10.0.0"] })),
  onlyTheirs("caller's host bits", runtimeConfig({ ipRanges: [[{ subnet: "fd00::8/64" }]] })),
  onlyTheirs("caller's empty set", runtimeConfig({ ipRanges: [[]] })),
  onlyTheirs("route that is no prefix", { ipam: { routes: [{ dst: "10.96.0.0" }] } }),
  onlyTheirs("route by a prefix", { ipam: { routes: [{ dst: "::/0", gw: "fd00::1/64" }] } }),
  onlyTheirs("routes that are no list", { ipam: { routes: { dst: "0.0.0.0/0" } } }),
  onlyTheirs("resolvConf that is no text", { ipam: { resolvConf: 7 } }),
  onlyTheirs("IPv4 written as IPv6", { sets: [[{ subnet: "::ffff:10.0.0.0/120" }]] }),
  onlyTheirs("two addresses of a family before version 0.3.0", {
    cniVersion: "0.2.0",
    sets: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "10.1.0.0/24" }]],
  }),
  {
    name: "resolvConf that is not there",
    refusedInDel: "by none",
    ipam: { resolvConf: "/nonexistent/resolv.conf" },
  },
];

/** How many calls a sequence has. */
const LENGTH = 8;

/**
 * A sequence of calls on one network: one or two configurations that take turns, containers that
 * come, go and come twice, and now and then a configuration with a fault; or containers that come
 * until the ranges are full.
 */
export function drawSequence(random: Random, resolvConf: string): Draw[] {
  const networks = Array.from({ length: 1 + random(2) }, () => drawNetwork(random, resolvConf));
  const isFilling = random(4) === 0;
  return Array.from({ length: LENGTH }, (_, index): Draw => {
    const verb = isFilling ? "ADD" : pick<Draw["verb"]>(random, VERBS);
    const network = pick(random, isFilling ? networks.slice(0, 1) : networks);
    return {
      verb,
      containerId: `c${isFilling ? index : random(4)}`,
      ifname: pick(random, ["eth0", "eth0", "eth0", "net1"]),
      network,
      ...verb === "ADD" && random(4) === 0 && { requests: drawRequests(random, network) },
      ...random(5) === 0 && { fault: pick(random, FAULTS) },
    };
  });
}

/** The call that a draw stands for. */
export function callOf(draw: Draw): IpamCall {
  const { verb, containerId, ifname, network, requests, fault } = draw;
  const { argsIp = [], cniArgs = [], runtimeIps = [] } = requests ?? {};
  const { routes, resolvConf, extra } = network;
  const cniVersion = fault?.cniVersion ?? network.cniVersion;
  const { ipRanges, ...ranges } = fault?.sets ? { ranges: fault.sets } : writtenSets(network);
  return {
    verb,
    containerId,
    ...ifname && { ifname },
    ...argsIp.length > 0 && { args: `IgnoreUnknown=1;K8S_POD_NAME=x;IP=${argsIp.join(",")}` },
    config: {
      ...cniVersion && { cniVersion },
      name: NETWORK,
      type: "bridge",
      ipam: { ...ranges, routes, resolvConf, cooldown: "0s", ...extra, ...fault?.ipam },
      ...cniArgs.length > 0 && { args: { cni: { ips: cniArgs } } },
      runtimeConfig: { ipRanges, ...runtimeIps.length > 0 && { ips: runtimeIps } },
      ...fault?.network,
    },
  };
}

/** The sets where they are written: `ipRanges` come before what `ipam` says, and that before `ranges`. */
function writtenSets({ sets, first }: DrawnNetwork): Readonly<Record<string, unknown>> {
  const [head = [], ...rest] = sets;
  if (first === "ipRanges") return { ipRanges: [head], ranges: rest };
  return first === "ipam" && head.length === 1 ? { ...head[0], ranges: rest } : { ranges: sets };
}

function drawNetwork(random: Random, resolvConf: string): DrawnNetwork {
  const families = pick<readonly Family[]>(random, [[4], [4], [6], [4, 6], [6, 4], [4, 4], [6, 6]]);
  let block = random(3);
  const sets = families.map((family) =>
    random(4) === 0
      ? drawHalves(random, family, block++)
      : Array.from({ length: pick(random, [1, 1, 2, 3]) }, () => drawRange(random, family, block++))
  );
  const isOnePerFamily = new Set(families).size === families.length;
  return {
    cniVersion: pick(random, isOnePerFamily ? VERSIONS : VERSIONS.slice(OLD_VERSIONS)),
    sets,
    first: pick<DrawnNetwork["first"]>(random, ["ipam", "ranges", "ipRanges"]),
    ...random(2) === 0 && { routes: ROUTES.filter(() => random(2) === 0) },
    ...random(5) === 0 && { resolvConf },
  };
}

/** A range in a block of its own, so that none overlap. */
function drawRange(random: Random, family: Family, block: number): DrawnRange {
  const subnet = `${baseOf(family, block)}/${pick<number>(random, LENGTHS[family])}`;
  const maybe = () => random(2) === 0 ? drawOffset(random, subnet) : undefined;
  const [start, end, gateway] = [maybe(), maybe(), maybe()];
  const text = (offset: bigint | undefined) =>
    offset === undefined ? undefined : addressAt(subnet, offset);
  const isRight = (start ?? 1n) < (end ?? lastOffset(subnet) - 1n);
  return {
    subnet,
    ...isRight && { rangeStart: text(start), rangeEnd: text(end) },
    gateway: text(gateway),
  };
}

/** Two ranges that share a subnet; each may have its gateway anywhere. */
function drawHalves(random: Random, family: Family, block: number): DrawnRange[] {
  const subnet = `${baseOf(family, block)}/${family === 4 ? 24 : 64}`;
  const middle = BigInt(2 + random(5));
  const gateway = () => random(2) === 0 ? addressAt(subnet, BigInt(1 + random(9))) : undefined;
  return [
    { subnet, rangeEnd: addressAt(subnet, middle), gateway: gateway() },
    { subnet, rangeStart: addressAt(subnet, middle + 1n), gateway: gateway() },
  ];
}

/** Addresses to ask for: mostly one of a range, by one way; else several, by several. */
function drawRequests(random: Random, { sets }: DrawnNetwork): DrawnRequests {
  const one = () => {
    const range = pick(random, sets.flat());
    const inside = addressAt(range.subnet, drawOffset(random, range.subnet));
    const { gateway = inside, rangeStart = inside, rangeEnd = inside } = range;
    const likely = [inside, inside, inside, `${inside}/16`];
    return pick(random, [...likely, gateway, rangeStart, rangeEnd, "192.0.2.1", "fd01::1"]);
  };
  const several = () => Array.from({ length: random(3) }, one);
  return pick(random, [
    () => ({ argsIp: [one()] }),
    () => ({ cniArgs: [one()] }),
    () => ({ runtimeIps: [one()] }),
    () => ({ argsIp: several(), cniArgs: several(), runtimeIps: several() }),
  ])();
}

/** The network address of one of ten blocks. */
function baseOf(family: Family, block: number): string {
  return family === 4 ? `${10 + block}.0.0.0` : `fd${block}0::`;
}

/** Counted from the network address: near the first, near the last. */
function drawOffset(random: Random, subnet: string): bigint {
  const last = lastOffset(subnet);
  const near = BigInt(random(9));
  const offset = pick(random, [0n, 1n, 2n, near, near, near, last - 1n, last]);
  return offset > last ? last : offset;
}

/** That of the last address of a subnet. */
function lastOffset(subnet: string): bigint {
  const prefix = parsePrefix(subnet);
  return lastAddress(prefix).value - prefix.address.value;
}

function addressAt(subnet: string, offset: bigint): string {
  return formatAddress(addOffset(parsePrefix(subnet).address, offset));
}

/** A fault that only ADD minds, of ours. */
function onlyTheirs(name: string, keys: Omit<Fault, "name" | "refusedInDel">): Fault {
  return { name, refusedInDel: "by host-local", ...keys };
}

function runtimeConfig(value: unknown): Pick<Fault, "network"> {
  return { network: { runtimeConfig: value } };
}
