/**
 * What the node's daemon says about addresses: the subnet file. It has one of two forms, told apart
 * by what is in it: YAML, or `KEY=value` lines with the names of HeadCNI or of flannel.
 */
import type { Environment } from "../cni/environment.ts";
import type { ResultDns, ResultRoute } from "../cni/result.ts";
import { parseDns, parseRoutes } from "../cni/result_codec.ts";
import { ConfigError, errorText } from "../errors.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import {
  containsPrefix,
  distinctPrefixes,
  formatPrefix,
  type Prefix,
  showPrefixes,
} from "../net/prefix.ts";
import { readSubnetFields, type SubnetFields, type SubnetKey } from "./subnet_fields.ts";
import { parseFlag, parseMtuBytes, parsePrefixes } from "./subnet_values.ts";

/** A subnet file, and the variables that overrule it. */
export interface SubnetFile {
  /** Networks of the whole cluster, without host bits and repetitions. */
  readonly networks: readonly Prefix[];
  /** This node's share of them: at most one a family, IPv4 first, without host bits. */
  readonly subnets: readonly Prefix[];
  /** Undefined when the file does not say, or says 0. */
  readonly mtuBytes: number | undefined;
  /** True when the daemon masquerades itself; undefined when the file does not say. */
  readonly ipMasq: boolean | undefined;
  /** `metadata.service_cidr`. */
  readonly serviceCidrs: readonly Prefix[];
  readonly routes: readonly ResultRoute[];
  readonly dns: ResultDns;
}

/** A subnet file as it was read. */
export interface SubnetSource {
  readonly path: string;
  readonly text: string;
}

/** Where a subnet file is looked for when nothing names one, in this order. */
export const DEFAULT_SUBNET_FILES: readonly string[] = [
  "/run/headcni/subnet.env",
  "/run/headcni/env.yaml",
  "/var/lib/headcni/env.yaml",
];

/**
 * Reads a subnet file of either form. A node has one subnet in each family that the cluster has a
 * network in.
 * @param source undefined when there is none: then the variables must say enough.
 * @param overrides environment of the call: `HEADCNI_NETWORK`, `_SUBNET`, `_MTU`, `_IPMASQ`,
 * `HEADCNI_IPV6_NETWORK` and `HEADCNI_IPV6_SUBNET` win over the file, key by key.
 * @param places that were looked at, for the error text when there is no file.
 * @throws ConfigError `no-pod-cidr` with all that is missing or malformed, and who writes the file.
 */
export function parseSubnetFile(
  source: SubnetSource | undefined,
  overrides: Environment,
  places: readonly string[] = DEFAULT_SUBNET_FILES,
): SubnetFile {
  const fields = readSubnetFields(source, overrides);
  const faults = [...fields.faults];
  const networks = distinctPrefixes(prefixesOf(["network", "ipv6_network"], fields, faults));
  const subnets = distinctPrefixes(prefixesOf(["subnet", "ipv6_subnet"], fields, faults));
  const file: SubnetFile = {
    networks,
    subnets: FAMILIES.flatMap((family) => subnets.filter((subnet) => isOf(family, subnet))),
    mtuBytes: valueOf("mtu", parseMtuBytes, fields, faults),
    ipMasq: valueOf("ipmasq", parseFlag, fields, faults),
    serviceCidrs: prefixesOf(["service_cidr"], fields, faults),
    routes: attempt(() => parseRoutes(fields.routes, "routes"), faults) ?? [],
    dns: attempt(() => parseDns(fields.dns, "dns"), faults) ?? {},
  };
  // What could not be read is not missing, nor is what depends on it wrong.
  if (faults.length === 0) faults.push(...missingKeys(file, fields), ...misplaced(file));
  if (faults.length === 0) return file;
  throw new ConfigError("no-pod-cidr", unusable(source, faults, places));
}

function isOf(family: Family, prefix: Prefix): boolean {
  return prefix.address.family === family;
}

/** Values are of any family under any key: older daemons put both under `network`. */
function prefixesOf(keys: readonly SubnetKey[], fields: SubnetFields, faults: string[]): Prefix[] {
  return keys.flatMap((key) => valueOf(key, parsePrefixes, fields, faults) ?? []);
}

/** @param parse answers the value, or throws a ConfigError that says what is wanted. */
function valueOf<Value>(
  key: SubnetKey,
  parse: (value: unknown, name: string) => Value,
  { written }: SubnetFields,
  faults: string[],
): Value | undefined {
  const field = written.get(key);
  return field && attempt(() => parse(field.value, field.name), faults);
}

/** The value, or undefined and one more fault. */
function attempt<Value>(parse: () => Value, faults: string[]): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(errorText(error));
    return undefined;
  }
}

const NETWORK_KEYS: Readonly<Record<Family, SubnetKey>> = { 4: "network", 6: "ipv6_network" };
const SUBNET_KEYS: Readonly<Record<Family, SubnetKey>> = { 4: "subnet", 6: "ipv6_subnet" };

/**
 * A family that the cluster has a network in needs a subnet; but older daemons named networks of both
 * in `network`, whatever the node had.
 */
function missingKeys(
  { networks, subnets }: SubnetFile,
  { nameOf, written }: SubnetFields,
): string[] {
  const isUsed = (family: Family) =>
    subnets.some((each) => isOf(family, each)) || written.has(NETWORK_KEYS[family]) &&
      networks.some((each) => isOf(family, each));
  const families = FAMILIES.filter(isUsed);
  // Nothing at all: IPv4 is what the reader will have forgotten.
  const missing = (families.length > 0 ? families : FAMILIES.slice(0, 1)).flatMap((family) => [
    ...networks.some((network) => isOf(family, network)) ? [] : [NETWORK_KEYS[family]],
    ...subnets.some((subnet) => isOf(family, subnet)) ? [] : [SUBNET_KEYS[family]],
  ]);
  if (missing.length === 0) return [];
  const names = missing.map(nameOf).join(" and ");
  return [`${names} ${missing.length === 1 ? "is" : "are"} missing`];
}

function misplaced({ networks, subnets }: SubnetFile): string[] {
  const doubled = FAMILIES.map((family) => subnets.filter((subnet) => isOf(family, subnet)))
    .filter((list) => list.length > 1);
  const outside = subnets.filter((subnet) =>
    networks.some((network) => isOf(network.address.family, subnet)) &&
    !networks.some((network) => containsPrefix(network, subnet))
  );
  return [
    ...doubled.map((list) => `one subnet a family wanted, got ${showPrefixes(list)}`),
    ...outside.map((subnet) =>
      `subnet "${formatPrefix(subnet)}" is outside of the cluster's networks ${
        showPrefixes(networks)
      }`
    ),
  ];
}

function unusable(
  source: SubnetSource | undefined,
  faults: readonly string[],
  places: readonly string[],
): string {
  const seen = faults.join("; ");
  if (source) {
    return `Cannot use subnet file "${source.path}": ${seen}; ` +
      `the HeadCNI daemon (or flanneld) writes this file`;
  }
  const looked = places.map((place) => `"${place}"`).join(", ");
  return `Cannot find a subnet file: there is none at ${looked}, and ${seen}; the HeadCNI daemon ` +
    `(or flanneld) writes this file: see that it runs, name another with "subnetFile", ` +
    `or give "ipam" a "subnet"`;
}
