/** The subnet file that the daemon writes, in the two forms that `lib/discovery/subnet_file.ts` reads. */
import type { ResultDns } from "../cni/result.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import { formatPrefix, type Prefix } from "../net/prefix.ts";

/** What plugins are to know of the node. */
export interface SubnetFacts {
  readonly nodeName: string;
  /** At most one a family. */
  readonly podCidrs: readonly Prefix[];
  /** Empty when nobody names any: then the node's own stand for them. */
  readonly clusterCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  /** Undefined: plugins choose. */
  readonly mtuBytes: number | undefined;
  /** True when the daemon masquerades itself. */
  readonly ipMasq: boolean;
  /** Routes of pods beside the default one. */
  readonly routes: readonly Prefix[];
  readonly dns: ResultDns;
}

/**
 * `KEY=value` lines, flannel's subnet.env under our names. It has no words for services, routes and
 * DNS: those are in {@linkcode formatSubnetYaml} alone.
 */
export function formatSubnetEnv(facts: SubnetFacts): string {
  const { mtuBytes, ipMasq } = facts;
  const pairs: [name: string, value: string | undefined][] = [
    ...cidrPairs(facts).map(([key, value]): [string, string] => [key.toUpperCase(), value]),
    ["MTU", mtuBytes?.toString()],
    ["IPMASQ", String(ipMasq)],
  ];
  return pairs.filter(([, value]) => value !== undefined)
    .map(([name, value]) => `HEADCNI_${name}=${value}\n`).join("");
}

/** The older system's env.yaml. Without a time in it, so that the same facts give the same text. */
export function formatSubnetYaml(facts: SubnetFacts): string {
  const { nodeName, clusterCidrs, serviceCidrs, mtuBytes, ipMasq, routes, dns } = facts;
  return [
    "# Written by the HeadCNI daemon\n",
    ...cidrPairs(facts).map(([key, value]) => entry(key, value)),
    ...mtuBytes === undefined ? [] : [entry("mtu", mtuBytes)],
    entry("ipmasq", ipMasq),
    "metadata:\n",
    `  ${entry("node_name", nodeName)}`,
    ...clusterCidrs.length > 0 ? [`  ${entry("cluster_cidr", list(clusterCidrs))}`] : [],
    ...serviceCidrs.length > 0 ? [`  ${entry("service_cidr", list(serviceCidrs))}`] : [],
    ...routes.length > 0 ? ["routes:\n"] : [],
    ...routes.map((route) => `  - ${entry("dst", formatPrefix(route))}`),
    ...Object.keys(dns).length > 0 ? ["dns:\n"] : [],
    ...Object.entries(dns).map(([key, value]) => `  ${entry(key, value)}`),
  ].join("");
}

const KEYS: Readonly<Record<Family, readonly [network: string, subnet: string]>> = {
  4: ["network", "subnet"],
  6: ["ipv6_network", "ipv6_subnet"],
};

/** A family without a CIDR has no network either: the reader wants both or none. */
function cidrPairs({ podCidrs, clusterCidrs }: SubnetFacts): [key: string, value: string][] {
  return FAMILIES.flatMap((family): [string, string][] => {
    const ofFamily = ({ address }: Prefix) => address.family === family;
    const subnets = podCidrs.filter(ofFamily);
    if (subnets.length === 0) return [];
    const networks = clusterCidrs.filter(ofFamily);
    const [networkKey, subnetKey] = KEYS[family];
    return [
      [networkKey, list(networks.length > 0 ? networks : subnets)],
      [subnetKey, list(subnets)],
    ];
  });
}

function list(prefixes: readonly Prefix[]): string {
  return prefixes.map(formatPrefix).join(",");
}

/** Numbers, booleans, texts and lists of texts are in JSON as they are in YAML. */
function entry(key: string, value: string | number | boolean | readonly string[]): string {
  return `${key}: ${JSON.stringify(value)}\n`;
}
