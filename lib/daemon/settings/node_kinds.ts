/** Kinds of values that only a node has: prefixes, paths, names, chained plugins. */
import * as v from "valibot";
import { isAbsolute } from "@std/path";
import { type Address, type Family, formatAddress, tryParseAddress } from "../../net/address.ts";
import { linkNameFault } from "../../net/link.ts";
import { formatPrefix, hasHostBits, type Prefix, tryParsePrefix } from "../../net/prefix.ts";
import { isObject } from "../../schema.ts";
import { boolean, integer, type Kind, read, splitList, text } from "./kind.ts";

/** How long the prefix of one node is, by family. */
export type NodeLengths = Readonly<Record<Family, number>>;

/** A plugin behind ours in the chain. */
export interface ChainedPlugin {
  /** For people, and for the type when `config` names none. */
  readonly name: string;
  readonly enabled: boolean;
  /** Lower ones run first. */
  readonly priority: number;
  /** Its network configuration, with `type`. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** An absolute path without `..`. */
export const path: Kind<string> = text(
  "PATH",
  "an absolute path",
  (one) => isAbsolute(one) && !/\p{Cc}/u.test(one) && !one.split("/").includes(".."),
);

/** The name of a file, without its folder. */
export const fileName: Kind<string> = text(
  "NAME",
  "a file name",
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/,
);

/** Name of an interface. */
export const linkName: Kind<string> = text(
  "NAME",
  "an interface name of at most 15 bytes",
  (one) => linkNameFault(one) === undefined && !/\p{Cc}/u.test(one),
);

/** Largest packet of a link in bytes; IPv4 needs 576 (RFC 791), its length field ends at 65,535. */
export const mtu: Kind<number> = integer("BYTES", "a number of bytes", 576, 65_535);

/** Name of a node: RFC 1123 subdomain, which is what Kubernetes allows. */
export const nodeName: Kind<string> = text(
  "NAME",
  "a node name of lower case letters, digits, - and .",
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
);

/** Where a server is: http or https, and no password in it. */
export const url: Kind<string> = text("URL", "an http or https URL without a password", (one) => {
  const parsed = URL.parse(one);
  return parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.hostname !== "" &&
    parsed.username === "" && parsed.password === "";
});

/** An IP address. */
export const address: Kind<Address> = {
  placeholder: "ADDRESS",
  wanted: "an IP address",
  schema: read(
    "an IP address",
    (raw) => typeof raw === "string" ? tryParseAddress(raw) : undefined,
  ),
  show: formatAddress,
};

const PREFIXES = "an IPv4 prefix, an IPv6 prefix, or one of each";

/** A network of each family at most: a text, a text with a comma, or a list. */
export const prefixes: Kind<readonly Prefix[]> = {
  placeholder: "CIDR[,CIDR]",
  wanted: PREFIXES,
  schema: read(PREFIXES, readPrefixes),
  show: (value) => value.map(formatPrefix).join(","),
};

function readPrefixes(raw: unknown): readonly Prefix[] | undefined {
  const parts = splitList(raw);
  if (!Array.isArray(parts) || parts.length === 0) return undefined;
  const found = parts.map((part) => typeof part === "string" ? tryParsePrefix(part) : undefined)
    .filter((prefix) => prefix !== undefined && !hasHostBits(prefix));
  const networks = found.filter((prefix) => prefix !== undefined);
  const families = new Set(networks.map(({ address }) => address.family));
  return networks.length === parts.length && families.size === parts.length ? networks : undefined;
}

const LENGTHS = 'a prefix length such as "/24", or one of each family ("/24,/64")';
const DEFAULT_LENGTHS: NodeLengths = { 4: 24, 6: 64 };

/** Prefix lengths of one node; those above 32 are of IPv6, and no node has a larger network. */
export const nodeLengths: Kind<NodeLengths> = {
  placeholder: "/LENGTH[,/LENGTH]",
  wanted: LENGTHS,
  schema: read(LENGTHS, readLengths),
  show: (value) => `/${value[4]},/${value[6]}`,
};

function readLengths(raw: unknown): NodeLengths | undefined {
  const parts = splitList(typeof raw === "number" ? String(raw) : raw);
  if (!Array.isArray(parts)) return undefined;
  const lengths = parts.map((part) => Number(/^\/?([0-9]{1,3})$/.exec(String(part))?.[1]));
  const ipv4 = lengths.filter((length) => length >= 1 && length <= 32);
  const ipv6 = lengths.filter((length) => length > 32 && length <= 128);
  if (ipv4.length > 1 || ipv6.length > 1 || ipv4.length + ipv6.length !== lengths.length) {
    return undefined;
  }
  const [length4 = DEFAULT_LENGTHS[4]] = ipv4;
  const [length6 = DEFAULT_LENGTHS[6]] = ipv6;
  return lengths.length === 0 ? undefined : { 4: length4, 6: length6 };
}

const CONFIG = "the network configuration of a plugin, as a mapping or as JSON in a text";

const ChainedPluginSchema: v.GenericSchema<unknown, ChainedPlugin> = v.pipe(
  v.strictObject({
    name: fileName.schema,
    enabled: v.optional(boolean.schema, true),
    priority: v.optional(integer("N", "a whole number", 0, 1_000_000).schema, 0),
    config: v.optional(read(CONFIG, readPluginConfig), {}),
  }),
  v.transform(({ config, ...rest }) => ({ ...rest, config: { type: rest.name, ...config } })),
);

/** Plugins behind ours. */
export const chainedPlugins: Kind<readonly ChainedPlugin[]> = {
  placeholder: "JSON",
  wanted: "a list of plugins: name, enabled, priority, config",
  schema: v.pipe(v.unknown(), v.transform(parseJsonText), v.array(ChainedPluginSchema)),
  show: (plugins) => plugins,
};

function readPluginConfig(raw: unknown): Readonly<Record<string, unknown>> | undefined {
  const config = parseJsonText(raw);
  if (!isObject(config)) return undefined;
  const { type } = config;
  return type === undefined || (typeof type === "string" && fileNameIsGood(type))
    ? config
    : undefined;
}

function fileNameIsGood(name: string): boolean {
  return v.safeParse(fileName.schema, name).success;
}

/** What JSON in a text stands for; the text itself when it is none. */
function parseJsonText(raw: unknown): unknown {
  if (typeof raw !== "string") return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
