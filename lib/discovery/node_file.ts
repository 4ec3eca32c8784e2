/**
 * What a file of the node says about the addresses of pods and services. The same key means the same
 * wherever it stands, so one reader serves all files of a format.
 */
import { ConfigError, errorText } from "../errors.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import {
  distinctPrefixes,
  formatPrefix,
  hasHostBits,
  type Prefix,
  showPrefixes,
} from "../net/prefix.ts";
import { isObject } from "../schema.ts";
import { parseEnvLines } from "./env_lines.ts";
import { flagsOf, splitWords, unitWords } from "./flags.ts";
import { readYamlDocuments } from "./node_yaml.ts";
import type { NodeFileFormat } from "./pod_cidr_places.ts";
import { parseWrittenPrefixes } from "./subnet_values.ts";

/** Prefix length of a node's share of the cluster's network, for the families that have one. */
export type PerNodeLengths = Readonly<Partial<Record<Family, number>>>;

/** What one file says; empty where it says nothing. */
export interface NodeFile {
  /** Of this node: at most one a family. */
  readonly nodeCidrs: readonly Prefix[];
  /** Of the whole cluster: never a node's own, only what a node's share may be computed from. */
  readonly clusterCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  readonly perNodeLengths: PerNodeLengths;
}

/** A file that is there, and what it says or why it cannot be read. */
export type FileFinding =
  & {
    /** As the node knows it, whatever it is mounted below. */
    readonly path: string;
  }
  & ({ readonly says: NodeFile } | { readonly fault: string });

/** A key or flag of a file, and its value as it stands there. */
export type WrittenValue = readonly [name: string, value: unknown];

/**
 * Reads a file. What it says of other things is ignored; what it says of CIDRs is taken whole or not
 * at all, for a file that is just being written may be cut anywhere.
 * @throws ConfigError `decode-failure` or `invalid-config` with what is wrong, to be put behind the
 * name of the file.
 */
export function parseNodeFile(format: NodeFileFormat, text: string): NodeFile {
  if (text.trim() === "") throw new ConfigError("decode-failure", "the file is empty");
  if (BINARY.test(text)) throw new ConfigError("decode-failure", "text wanted, got other bytes");
  return judge(READERS[format](text));
}

/**
 * The CIDRs of a node, IPv4 first.
 * @throws ConfigError `invalid-config` when there are two of one family.
 */
export function onePerFamily(cidrs: readonly Prefix[]): Prefix[] {
  const families = FAMILIES.map((family) => cidrs.filter((each) => each.address.family === family));
  const doubled = families.find((list) => list.length > 1);
  if (!doubled) return families.flat();
  throw new ConfigError(
    "invalid-config",
    `one CIDR a family wanted for a node, got ${showPrefixes(doubled)}`,
  );
}

/** Control characters that no text has: TAB, LF, CR aside; and what is no UTF-8. */
const BINARY = /[^\t\n\r\x20-\x7e\x85\u00a0-\ufffc\u{10000}-\u{10ffff}]/u;

const READERS: Readonly<Record<NodeFileFormat, (text: string) => WrittenValue[]>> = {
  yaml: (text) => readYamlDocuments(text).flatMap(valuesOfDocument),
  environment: (text) => {
    const { values, faults } = parseEnvLines(text.split(/\r?\n/));
    if (faults.length > 0) throw new ConfigError("decode-failure", faults.join("; "));
    return [...values.values()].flatMap((value) => flagsOf(splitWords(value)));
  },
  unit: (text) => flagsOf(unitWords(text)),
};

/** Members of a document whose keys count as its own: Node, ClusterConfiguration. */
const TRANSPARENT: readonly string[] = ["spec", "networking"];

function valuesOfDocument(document: unknown): WrittenValue[] {
  if (document === null) return [];
  if (!isObject(document)) {
    throw new ConfigError("decode-failure", "keys with values wanted");
  }
  const own = Object.entries(document);
  const inner = TRANSPARENT.flatMap((key) => Object.entries(asObject(document[key])));
  return [
    ...[...own, ...inner].flatMap(([key, value]) => {
      // k3s appends to what other files say where a key ends in "+": pkg/configfilearg/parser.go.
      const name = key.replace(/\+$/, "");
      return name.endsWith("-arg") ? flagsOf(asTexts(value).map((text) => `--${text}`)) : [
        [name, value] as const,
      ];
    }),
    ...valuesOfContainers(asObject(document.spec).containers),
    ...valuesOfExtraArgs(asObject(document.controllerManager).extraArgs),
  ];
}

/** Static pods: `command` and `args` are one command line. */
function valuesOfContainers(containers: unknown): WrittenValue[] {
  if (!Array.isArray(containers)) return [];
  return containers.map(asObject).flatMap(({ command, args }) =>
    flagsOf([...asTexts(command), ...asTexts(args)])
  );
}

/** A map in kubeadm's v1beta3, a list of names and values in v1beta4. */
function valuesOfExtraArgs(args: unknown): WrittenValue[] {
  if (!Array.isArray(args)) return Object.entries(asObject(args));
  return args.map(asObject).map(({ name, value }) => [String(name), value]);
}

type Meaning = "node" | "cluster" | "service" | "length" | "length4" | "length6";

/** Keys and flags by what they mean. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  // KubeletConfiguration, kubelet's flag, NodeSpec of the core API.
  ["podCIDR", "node"],
  ["podCIDRs", "node"],
  ["pod-cidr", "node"],
  // kubeadm's ClusterConfiguration; KubeProxyConfiguration; kube-controller-manager and k3s.
  ["podSubnet", "cluster"],
  ["clusterCIDR", "cluster"],
  ["cluster-cidr", "cluster"],
  // kubeadm's ClusterConfiguration; k3s; kube-apiserver and kube-controller-manager.
  ["serviceSubnet", "service"],
  ["service-cidr", "service"],
  ["service-cluster-ip-range", "service"],
  // kube-controller-manager.
  ["node-cidr-mask-size", "length"],
  ["node-cidr-mask-size-ipv4", "length4"],
  ["node-cidr-mask-size-ipv6", "length6"],
]);

function judge(written: readonly WrittenValue[]): NodeFile {
  const faults: string[] = [];
  const of = (meaning: Meaning): WrittenValue[] =>
    written.filter(([name, value]) => MEANINGS.get(name) === meaning && (value ?? "") !== "");
  const read = <Value>(meaning: Meaning, parse: (value: unknown, name: string) => Value): Value[] =>
    of(meaning).flatMap(([name, value]) => attempt(() => parse(value, name), faults));
  const cidrs = (meaning: Meaning) => distinctPrefixes(read(meaning, parseCidrs).flat());
  const clusterCidrs = cidrs("cluster");
  const file = {
    nodeCidrs: attempt(() => onePerFamily(cidrs("node")), faults).flat(),
    clusterCidrs,
    serviceCidrs: cidrs("service"),
    perNodeLengths: {
      ...lengthsOf(read("length", parseLength), clusterCidrs),
      ...lengthOf(4, read("length4", parseLength)),
      ...lengthOf(6, read("length6", parseLength)),
    },
  };
  if (faults.length > 0) throw new ConfigError("invalid-config", faults.join("; "));
  return file;
}

/** The one length for all is that of the family that the cluster has: two families need two. */
function lengthsOf(lengths: readonly number[], clusterCidrs: readonly Prefix[]): PerNodeLengths {
  const families = new Set(clusterCidrs.map(({ address }) => address.family));
  const [family = (lengths.at(-1) ?? 0) > 32 ? 6 : 4, other] = families;
  return other === undefined ? lengthOf(family, lengths) : {};
}

/** The last, as in flags. */
function lengthOf(family: Family, lengths: readonly number[]): PerNodeLengths {
  const length = lengths.at(-1);
  return length === undefined ? {} : { [family]: length };
}

function parseLength(value: unknown, name: string): number {
  const length = /^[1-9][0-9]{0,2}$/.test(String(value)) ? Number(value) : Infinity;
  if (length <= 128) return length;
  throw new ConfigError("invalid-config", `${name}: a prefix length wanted, got "${value}"`);
}

/** A length that was cut off (`/2` of `/24`) shows as host bits. */
function parseCidrs(value: unknown, name: string): Prefix[] {
  const cidrs = parseWrittenPrefixes(value, name);
  const odd = cidrs.find(hasHostBits);
  if (!odd) return cidrs;
  throw new ConfigError(
    "invalid-config",
    `${name}: a network wanted, got "${formatPrefix(odd)}" with host bits`,
  );
}

/** The value in a list, or none and one more fault. */
function attempt<Value>(parse: () => Value, faults: string[]): Value[] {
  try {
    return [parse()];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(errorText(error));
    return [];
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

function asTexts(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.filter((item) => typeof item === "string");
}
