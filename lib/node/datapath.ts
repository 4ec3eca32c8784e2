/**
 * What the node itself wants of its kernel, whatever pods come and go: it forwards, the bridge has the
 * gateway addresses, traffic to local pods never takes a tunnel, and traffic to pods elsewhere never
 * leaves in clear. The packet filter is kept apart (`lib/nft/`). Leaves out what only one pod needs.
 */
import type { Step } from "../host/step.ts";
import { type Address, FAMILIES, type Family } from "../net/address.ts";
import type { Link, LinkAddress } from "../net/link.ts";
import { linkLocalFromMac, macFromAddress } from "../net/mac.ts";
import { containsAddress, equalPrefixes, networkOf, type Prefix } from "../net/prefix.ts";
import { type KernelRoute, type Route, SCOPE_LINK } from "../net/route.ts";
import type { KernelRule, Rule } from "../net/rule.ts";
import { HEADCNI_RTPROT, isSameRoute, RT_TABLE_MAIN, RTN_UNREACHABLE } from "../netlink/route.ts";
import type { Datapath } from "../pod/config.ts";
import { FORWARDING, ipv6LinkSysctls } from "../pod/plan_link.ts";

/** What the node is to be. */
export interface DatapathWant {
  readonly datapath: Datapath;
  /** Name of the bridge; without meaning for datapath `ptp`. */
  readonly bridge: string;
  /** Networks of the pods of this node. */
  readonly podCidrs: readonly Prefix[];
  /** Networks of the pods of all nodes. */
  readonly clusterCidrs: readonly Prefix[];
  /** Addresses of the bridge, each with the prefix length of its network. */
  readonly gateways: readonly Prefix[];
  readonly mtuBytes: number;
  /** Flags of a port of the bridge, for one that has to be hung on it anew. */
  readonly hairpinMode: boolean;
  readonly portIsolation: boolean;
  /** Refuse traffic to pods elsewhere when no tunnel takes it. */
  readonly guardClusterCidr: boolean;
}

/** What was seen of the node. */
export interface DatapathFacts {
  /** The link of the bridge's name, when there is one. */
  readonly bridge: Link | undefined;
  readonly bridgeAddresses: readonly LinkAddress[];
  /** Host links of pods of this network that are no port of anything, though they were. */
  readonly strayPorts: readonly string[];
  /** All addresses of pods that are on this node or about to be. */
  readonly podAddresses: readonly Address[];
  readonly rules: readonly KernelRule[];
  readonly routes: readonly KernelRoute[];
  /** Links that learned a default route of IPv6 from a router. */
  readonly advertisedLinks: readonly string[];
  /** Values by path below /proc/sys, of {@linkcode datapathSysctls}; absent ones are missing. */
  readonly sysctls: ReadonlyMap<string, string>;
}

/** What is not as it should be: a label of a metric. */
export type DatapathPart =
  | "sysctl"
  | "bridge"
  | "bridge_address"
  | "bridge_port"
  | "rule"
  | "route";

/** One step, and what it mends. */
export interface Mend {
  readonly part: DatapathPart;
  readonly step: Step;
}

/**
 * Priority of the rules that keep traffic to local pods out of a tunnel. tailscaled's rules begin at
 * 5210, and it watches over 5200 to 5299: wgengine/router/osrouter of tailscale.
 */
export const RULE_PRIORITY = 5100;

/**
 * Metric of the routes that refuse: any other route to the same network wins. Below 2^32 - 1, which
 * the kernel's own `unreachable default` of IPv6 has.
 */
export const GUARD_METRIC = 4_294_967_040;

/** The value of `accept_ra` that takes advertisements though the node forwards: ip-sysctl. */
const ACCEPT_RA_ALWAYS = "2";

/** The steps that mend the node, in order; none when all is well. What is added comes first. */
export function planDatapath(want: DatapathWant, have: DatapathFacts): Mend[] {
  const rules = diffRules(want, have.rules);
  const routes = diffGuards(want, have.routes);
  const addresses = want.datapath === "bridge" ? diffBridgeAddresses(want, have) : NO_CHANGE;
  return [
    ...mends("sysctl", planSysctls(want, have)),
    ...mends("bridge", want.datapath === "bridge" ? planBridge(want, have) : []),
    ...mends("bridge_address", addresses.add),
    ...mends("bridge_port", want.datapath === "bridge" ? planPorts(want, have) : []),
    ...mends("rule", rules.add),
    ...mends("route", routes.add),
    ...mends("bridge_address", addresses.remove),
    ...mends("rule", rules.remove),
    ...mends("route", routes.remove),
  ];
}

/** The steps that take away what is ours alone; pods, the bridge under them and sysctls stay. */
export function planDatapathRemoval(have: Pick<DatapathFacts, "rules" | "routes">): Mend[] {
  const nothing = { podCidrs: [], clusterCidrs: [], guardClusterCidr: false };
  return [
    ...mends("rule", diffRules(nothing, have.rules).remove),
    ...mends("route", diffGuards(nothing, have.routes).remove),
  ];
}

/** The sysctls that {@linkcode planDatapath} asks about. */
export function datapathSysctls(
  want: DatapathWant,
  { advertisedLinks }: Pick<DatapathFacts, "advertisedLinks">,
): (readonly string[])[] {
  return [
    ...Object.values(FORWARDING),
    ...advertisedLinks.map(acceptRa),
    ...ipv6LinkSysctls(want.bridge).flatMap((step) =>
      step.kind === "set-sysctl" ? [step.path] : []
    ),
  ];
}

interface Difference {
  readonly add: readonly Step[];
  readonly remove: readonly Step[];
}

const NO_CHANGE: Difference = { add: [], remove: [] };

/**
 * A node that forwards takes no router advertisements, unless it is told to: it would lose its own
 * way out.
 */
function planSysctls(want: DatapathWant, have: DatapathFacts): Step[] {
  const families = FAMILIES.filter((family) => isOfFamily(want.podCidrs, family));
  const links = families.includes(6) ? have.advertisedLinks : [];
  const steps = [
    ...links.filter((link) => valueOf(have, acceptRa(link)) === "1")
      .map((link) => setSysctl(acceptRa(link), ACCEPT_RA_ALWAYS)),
    ...families.map((family) => setSysctl(FORWARDING[family], "1")),
  ];
  return steps.filter((step) => valueOf(have, step.path) !== step.value);
}

function planBridge(want: DatapathWant, have: DatapathFacts): Step[] {
  const { bridge: name, gateways: [first], mtuBytes } = want;
  if (!have.bridge) {
    const mac = first && macFromAddress(first.address);
    return [
      { kind: "add-bridge", name, mtuBytes, ...mac && { mac } },
      ...ipv6LinkSysctls(name),
    ];
  }
  const { up } = have.bridge;
  const isOtherMtu = have.bridge.mtuBytes !== mtuBytes;
  return [
    ...up && !isOtherMtu ? [] : [
      {
        kind: "set-link",
        place: "host",
        name,
        ...isOtherMtu && { mtuBytes },
        ...!up && { up: true },
      } satisfies Step,
    ],
    ...ipv6LinkSysctls(name).filter((step) => {
      const value = step.kind === "set-sysctl" ? valueOf(have, step.path) : undefined;
      return step.kind === "set-sysctl" && value !== undefined && value !== step.value;
    }),
  ];
}

/** A bridge that somebody removed left its ports behind. */
function planPorts(
  { bridge, hairpinMode, portIsolation }: DatapathWant,
  { strayPorts }: DatapathFacts,
): Step[] {
  return strayPorts.flatMap((name): Step[] => [
    { kind: "set-link", place: "host", name, master: bridge },
    { kind: "set-bridge-port", name, hairpin: hairpinMode, isolated: portIsolation },
  ]);
}

/**
 * An address of an earlier network of ours goes when the last pod of that network has gone. What
 * somebody else put on the bridge stays.
 */
function diffBridgeAddresses(want: DatapathWant, have: DatapathFacts): Difference {
  const present = have.bridgeAddresses.filter(({ scope }) => scope !== SCOPE_LINK);
  const stale = present.filter(({ address, protocol }) =>
    protocol === HEADCNI_RTPROT && !holds(want.gateways, address) &&
    !have.podAddresses.some((pod) => containsAddress(address, pod))
  );
  const missing = [
    ...want.gateways.filter((gateway) => !holds(present.map(({ address }) => address), gateway)),
    ...missingLinkLocal(want, have),
  ];
  const fields = { place: "host", link: want.bridge } as const;
  return {
    add: missing.map((address) => ({ kind: "add-address", ...fields, address })),
    remove: stale.map(({ address }) => ({ kind: "remove-address", ...fields, address })),
  };
}

/**
 * Without a link-local address the kernel asks for no pod that it is to forward packets to:
 * `ndisc_send_ns`, net/ipv6/ndisc.c. It makes one by itself, but once, with the first port of the
 * bridge.
 */
function missingLinkLocal(
  { gateways }: DatapathWant,
  { bridge, bridgeAddresses }: DatapathFacts,
): Prefix[] {
  const isThere = bridgeAddresses.some(({ scope, address: { address } }) =>
    scope === SCOPE_LINK && address.family === 6
  );
  if (isThere || !bridge?.mac || !bridge.up || !bridge.carrier) return [];
  return isOfFamily(gateways, 6) ? [linkLocalFromMac(bridge.mac)] : [];
}

/** A rule that does what is wanted is enough, whoever made it; only ours are removed. */
function diffRules(
  { podCidrs }: Pick<DatapathWant, "podCidrs">,
  have: readonly KernelRule[],
): Difference {
  const wanted = podCidrs.map(networkOf).map((to): Rule => ({
    family: to.address.family,
    priority: RULE_PRIORITY,
    to,
    table: RT_TABLE_MAIN,
  }));
  const isIn = (rules: readonly Rule[], one: Rule) => rules.some((rule) => isSameRule(rule, one));
  const stale = have.filter((rule) => rule.protocol === HEADCNI_RTPROT && !isIn(wanted, rule));
  return {
    add: wanted.filter((rule) => !isIn(have, rule))
      .map((rule) => ({ kind: "add-rule", place: "host", rule })),
    remove: stale.map((rule) => ({ kind: "remove-rule", place: "host", rule })),
  };
}

function diffGuards(
  { clusterCidrs, guardClusterCidr }: Pick<DatapathWant, "clusterCidrs" | "guardClusterCidr">,
  have: readonly KernelRoute[],
): Difference {
  const wanted = guardClusterCidr ? clusterCidrs.map(guardRoute) : [];
  const stale = have.filter((route) =>
    isGuard(route) && !wanted.some((want) => isSameRoute(want, route))
  );
  return {
    add: wanted.filter((want) => !have.some((route) => isSameRoute(want, route)))
      .map((route) => ({ kind: "add-route", place: "host", route })),
    remove: stale.map(({ destination }) => ({
      kind: "remove-route",
      place: "host",
      route: guardRoute(destination),
    })),
  };
}

function guardRoute(destination: Prefix): Route {
  return { destination: networkOf(destination), unreachable: true, priority: GUARD_METRIC };
}

function isGuard({ protocol, routeType, priority, table }: KernelRoute): boolean {
  return protocol === HEADCNI_RTPROT && routeType === RTN_UNREACHABLE &&
    priority === GUARD_METRIC && table === RT_TABLE_MAIN;
}

function isSameRule(a: Rule, b: Rule): boolean {
  return a.family === b.family && a.priority === b.priority && a.table === b.table &&
    isSamePrefix(a.to, b.to) && isSamePrefix(a.from, b.from);
}

function isSamePrefix(a: Prefix | undefined, b: Prefix | undefined): boolean {
  return a && b ? equalPrefixes(a, b) : a === b;
}

function holds(prefixes: readonly Prefix[], one: Prefix): boolean {
  return prefixes.some((prefix) => equalPrefixes(prefix, one));
}

function isOfFamily(prefixes: readonly Prefix[], family: Family): boolean {
  return prefixes.some(({ address }) => address.family === family);
}

function acceptRa(link: string): string[] {
  return ["net", "ipv6", "conf", link, "accept_ra"];
}

function valueOf({ sysctls }: DatapathFacts, path: readonly string[]): string | undefined {
  return sysctls.get(path.join("/"));
}

function setSysctl(path: readonly string[], value: string) {
  return { kind: "set-sysctl", place: "host", path, value } as const;
}

function mends(part: DatapathPart, steps: readonly Step[]): Mend[] {
  return steps.map((step) => ({ part, step }));
}
