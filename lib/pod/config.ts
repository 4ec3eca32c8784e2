/**
 * The keys of a `headcni` network configuration (README, "Configuration"): defaults, both spellings, and
 * refusal of values of a wrong type. Keys that we do not know are ignored, as the specification
 * wants. `delegate`, `plugins` and `subnetFile` are read before (`lib/attach/resolve.ts`).
 */
import * as v from "valibot";
import { ConfigError } from "../errors.ts";
import type { NetworkConfig } from "../cni/request.ts";
import type { ResultDns } from "../cni/result.ts";
import { linkNameFault, MAX_IFNAME_BYTES } from "../net/link.ts";
import { type Mac, tryParseMac } from "../net/mac.ts";
import { type Prefix, tryParsePrefix } from "../net/prefix.ts";
import { LOG_LEVELS } from "../log.ts";
import { parsedText, parseWith, withoutEmpty } from "../schema.ts";
import { isOwnPlugin } from "./own_plugin.ts";

/** How pods hang on the node: ports of one bridge, or a routed link each. */
export type Datapath = "bridge" | "ptp";

/** What the datapath needs to know of a network; every default is filled in. */
export interface PodNetwork {
  readonly datapath: Datapath;
  /** Name of the bridge, for datapath `bridge`. */
  readonly bridge: string;
  readonly isGateway: boolean;
  /** Undefined when not given: then pods get a default route if IPAM names no route at all. */
  readonly isDefaultGateway: boolean | undefined;
  readonly forceAddress: boolean;
  readonly hairpinMode: boolean;
  readonly promiscMode: boolean;
  readonly portIsolation: boolean;
  readonly ipMasq: boolean;
  /** False exempts the tailnet's own ranges from masquerade. */
  readonly ipMasqTailnet: boolean;
  /** Undefined when not given: 1280, or the uplink's if that is lower. */
  readonly mtuBytes: number | undefined;
  /** Hardware address that the pod was asked to have. */
  readonly mac: Mac | undefined;
  /** Destinations never masqueraded, from `pod_cidr` and `service_cidr`. */
  readonly exemptPrefixes: readonly Prefix[];
  /** False drops IPv6 ranges. */
  readonly enableIpv6: boolean;
  /** `dns` and `magic_dns` joined, and over them what the runtime asks for. */
  readonly dns: ResultDns;
  /** What the user should hear although nothing failed. */
  readonly warnings: readonly string[];
}

/** Name of the bridge where a configuration names none. */
export const DEFAULT_BRIDGE = "headcni0";

/** Smallest MTU that IPv4 allows: RFC 791 section 3.2. */
const MIN_MTU_BYTES = 68;
/** Largest MTU of a Linux interface that still fits an IP packet. */
const MAX_MTU_BYTES = 65_535;

const flag = v.optional(v.boolean());
const strings = v.optional(v.array(v.string()));
/** One prefix, several with commas, or a list of either. */
const prefixText = parsedText(parsePrefixList, "an IP prefix, or several with commas");
const prefixes = v.optional(v.pipe(
  v.union([prefixText, v.array(prefixText)]),
  v.transform((list) => list.flat()),
));
const macText = v.optional(parsedText(tryParseMac, "a unicast MAC address of six bytes"));
const linkName = v.optional(parsedText(
  (text) => linkNameFault(text) === undefined ? text : undefined,
  `an interface name of 1 to ${MAX_IFNAME_BYTES} bytes`,
));

const RequestedDns = v.optional(
  v.object({ servers: strings, searches: strings, options: strings }),
);

const RawPodNetwork = v.object({
  datapath: v.optional(v.picklist(["bridge", "ptp"])),
  bridge: linkName,
  isGateway: flag,
  isDefaultGateway: flag,
  forceAddress: flag,
  hairpinMode: flag,
  promiscMode: flag,
  portIsolation: flag,
  ipMasq: flag,
  ipMasqTailnet: flag,
  mtu: v.optional(v.pipe(
    v.number(),
    v.integer(),
    v.check(
      (mtu) => mtu === 0 || (mtu >= MIN_MTU_BYTES && mtu <= MAX_MTU_BYTES),
      `0 (automatic) or ${MIN_MTU_BYTES} to ${MAX_MTU_BYTES} wanted`,
    ),
  )),
  mac: macText,
  pod_cidr: prefixes,
  podCIDR: prefixes,
  service_cidr: prefixes,
  serviceCIDR: prefixes,
  enable_ipv6: flag,
  enableIPv6: flag,
  enable_network_policy: flag,
  enableNetworkPolicy: flag,
  headscale_url: v.optional(v.string()),
  tailscale_socket: v.optional(v.string()),
  tailscale_nic: v.optional(v.string()),
  dns: v.optional(v.object({
    nameservers: strings,
    domain: v.optional(v.string()),
    search: strings,
    options: strings,
  })),
  magic_dns: v.optional(v.object({
    enable: flag,
    base_domain: v.optional(v.string()),
    nameservers: strings,
    search_domains: strings,
  })),
  subnetFile: v.optional(v.string()),
  dataDir: v.optional(v.string()),
  logFile: v.optional(v.string()),
  logLevel: v.optional(v.picklist(LOG_LEVELS)),
  ipam: v.optional(v.looseObject({ type: v.optional(v.string()) })),
});

/**
 * Reads the keys of a `headcni` configuration.
 * @param argsMac `MAC` of `CNI_ARGS`, the weakest of the sources of a hardware address.
 * @throws ConfigError that names every key of a wrong type, or a key that is not built yet.
 */
export function parsePodNetwork(config: NetworkConfig, argsMac: string | undefined): PodNetwork {
  requireIpam(config);
  const raw = parseWith(RawPodNetwork, withoutEmpty(config.raw), `network config "${config.name}"`);
  const networkPolicy = raw.enable_network_policy ?? raw.enableNetworkPolicy ?? false;
  const isDefaultGateway = raw.isDefaultGateway;
  return {
    datapath: raw.datapath ?? "bridge",
    bridge: raw.bridge ?? DEFAULT_BRIDGE,
    isGateway: (raw.isGateway ?? true) || isDefaultGateway === true,
    isDefaultGateway,
    forceAddress: raw.forceAddress ?? false,
    hairpinMode: raw.hairpinMode ?? true,
    promiscMode: raw.promiscMode ?? false,
    portIsolation: raw.portIsolation ?? false,
    ipMasq: raw.ipMasq ?? true,
    ipMasqTailnet: raw.ipMasqTailnet ?? true,
    mtuBytes: raw.mtu || undefined,
    mac: requestedMac(config, raw.mac, argsMac),
    exemptPrefixes: [
      ...raw.pod_cidr ?? raw.podCIDR ?? [],
      ...raw.service_cidr ?? raw.serviceCIDR ?? [],
    ],
    enableIpv6: raw.enable_ipv6 ?? raw.enableIPv6 ?? true,
    dns: { ...joinDns(raw.dns, raw.magic_dns), ...requestedDns(config) },
    warnings: networkPolicy
      ? ["enable_network_policy is set, but this release enforces no NetworkPolicy"]
      : [],
  };
}

function requireIpam({ name, ipam }: NetworkConfig): void {
  if (!ipam) {
    throw new ConfigError(
      "no-pod-cidr",
      `Cannot use network config "${name}": it has no ipam section, so pods get no address; ` +
        `add "ipam": {"type": "headcni-ipam", "subnet": "<the node's PodCIDR>"}`,
    );
  }
  if (isOwnPlugin(ipam.type)) {
    throw new ConfigError(
      "invalid-config",
      `Cannot use ipam.type "${ipam.type}": a network plugin is not an IPAM plugin; ` +
        `use "headcni-ipam"`,
    );
  }
}

/**
 * The strongest source that names one: `runtimeConfig.mac`, `args.cni.mac`, `CNI_ARGS`, then the
 * key `mac` of the configuration (order of the reference bridge plugin; CONVENTIONS.md).
 */
function requestedMac(
  config: NetworkConfig,
  ownMac: Mac | undefined,
  argsMac: string | undefined,
): Mac | undefined {
  const sources = { runtimeConfig: config.runtimeConfig.mac, "args.cni": config.cniArgs.mac };
  for (const [name, mac] of Object.entries({ ...sources, CNI_ARGS: argsMac })) {
    if (mac === undefined || mac === null || mac === "") continue;
    const asked = parseWith(macText, mac, `MAC address of ${name}`);
    if (asked) return asked;
  }
  return ownMac;
}

/** What the runtime asks for wins over the configuration, key by key: CONVENTIONS.md, "dns". */
function requestedDns({ runtimeConfig }: NetworkConfig): ResultDns {
  const asked = parseWith(RequestedDns, withoutEmpty(runtimeConfig.dns), "runtimeConfig.dns");
  const { servers = [], searches = [], options = [] } = asked ?? {};
  return {
    ...servers.length > 0 && { nameservers: servers },
    ...searches.length > 0 && { search: searches },
    ...options.length > 0 && { options },
  };
}

function joinDns(
  dns: v.InferOutput<typeof RawPodNetwork>["dns"],
  magic: v.InferOutput<typeof RawPodNetwork>["magic_dns"],
): ResultDns {
  const use = magic?.enable ? magic : {};
  const nameservers = [...dns?.nameservers ?? [], ...use.nameservers ?? []];
  const search = [
    ...dns?.search ?? [],
    ...use.base_domain ? [use.base_domain] : [],
    ...use.search_domains ?? [],
  ];
  return {
    ...nameservers.length > 0 && { nameservers: [...new Set(nameservers)] },
    ...dns?.domain && { domain: dns.domain },
    ...search.length > 0 && { search: [...new Set(search)] },
    ...dns?.options?.length && { options: dns.options },
  };
}

function parsePrefixList(text: string): Prefix[] | undefined {
  const prefixes = text.split(",").map((part) => part.trim()).filter((part) => part !== "")
    .map(tryParsePrefix);
  return prefixes.every((prefix) => prefix !== undefined) ? prefixes : undefined;
}
