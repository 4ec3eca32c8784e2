/**
 * The `ipam` section of a network configuration, and the addresses that a caller asks for. Keys
 * that we do not know are ignored; those that we know and do not honour yet are refused.
 */
import * as v from "valibot";
import { ConfigError } from "../errors.ts";
import { type Address, distinctAddresses, tryParseAddress } from "../net/address.ts";
import { tryParsePrefix } from "../net/prefix.ts";
import { parsedText, parseWith, withoutEmpty } from "../schema.ts";
import { parseDurationMs } from "./duration.ts";
import { type AddressRange, parseRangeSets } from "./range.ts";
import { DEFAULT_POOL } from "./pool.ts";
import type { AddressSpan } from "./span.ts";
import { STRATEGY_NAMES, type StrategyName } from "./strategy.ts";

/** Everything that takes part in choosing addresses, as a caller sent it. */
export interface IpamSources {
  /** Network name, for error texts. */
  readonly network: string;
  /** The `ipam` object. */
  readonly ipam: unknown;
  /** `IP` of `CNI_ARGS`: addresses with commas. */
  readonly argsIp?: string | undefined;
  /** `args.cni`, of which `ips` is read. */
  readonly cniArgs?: unknown;
  /** `runtimeConfig`, of which `ips`, `ipRanges` and the pod's annotations are read. */
  readonly runtimeConfig?: unknown;
  /** Kubernetes namespace of the pod. */
  readonly podNamespace?: string | undefined;
}

/** What decides about a pod's addresses; every default is filled in. */
export interface IpamConfig {
  /** Name of the pool, `default` or a name of `pools`. */
  readonly pool: string;
  /** A pod gets one address of each set; at least one set, none of them empty. */
  readonly rangeSets: readonly (readonly AddressRange[])[];
  /** Never given. */
  readonly excluded: readonly AddressSpan[];
  /** Given only to those who ask for the very address. */
  readonly reserved: readonly AddressSpan[];
  /** Addresses that the pod must get, without repetitions. */
  readonly requested: readonly Address[];
  readonly strategy: StrategyName;
  /** How long a released address is not given again. */
  readonly cooldownMs: number;
  /** How long the address of a StatefulSet pod waits for the next pod of that name; 0: not at all. */
  readonly stickyMs: number;
}

/** Default of `cooldown`. */
const DEFAULT_COOLDOWN = "60s";

/** Keys of a later release: to ignore them would give out addresses that nobody wants given. */
const UNBUILT_KEYS: readonly string[] = ["exclude", "reserved", "pools"];

const prefix = parsedText(tryParsePrefix, "an IP prefix");
const address = v.optional(parsedText(tryParseAddress, "an IP address"));
const requests = v.optional(v.array(parsedText(parseRequest, "an IP address")), []);
const rangeEnds = { rangeStart: address, rangeEnd: address, gateway: address };
const ranges = v.optional(v.array(v.array(v.object({ subnet: prefix, ...rangeEnds }))), []);
const strategy = v.optional(v.string());

const RawIpam = v.object({
  subnet: v.optional(prefix),
  ...rangeEnds,
  ranges,
  allocation_strategy: strategy,
  allocationStrategy: strategy,
  cooldown: v.optional(v.union([v.string(), v.number()])),
});
const RawCniArgs = v.optional(v.object({ ips: requests }), {});
const RawRuntimeConfig = v.optional(v.object({ ips: requests, ipRanges: ranges }), {});

/**
 * Reads what decides about addresses. Sets are those of `runtimeConfig.ipRanges`, then `subnet`,
 * then `ranges`; requests are joined.
 * @throws ConfigError: `invalid-config` (a key of a wrong type, or what `parseRangeSets` refuses),
 * `invalid-environment`, `unsupported-field`, or `no-pod-cidr` when nothing names a range.
 */
export function parseIpamConfig(sources: IpamSources): IpamConfig {
  const what = `ipam of network "${sources.network}"`;
  if (sources.ipam === undefined) {
    throw new ConfigError("invalid-config", `IPAM config missing 'ipam' key`);
  }
  refuseUnbuilt(sources.ipam, what);
  const raw = parseWith(RawIpam, withoutEmpty(sources.ipam), what);
  const cniArgs = parseWith(RawCniArgs, withoutEmpty(sources.cniArgs), "args.cni");
  const runtimeConfig = parseWith(
    RawRuntimeConfig,
    withoutEmpty(sources.runtimeConfig),
    "runtimeConfig",
  );
  const { subnet, rangeStart, rangeEnd, gateway } = raw;
  const rangeSets = parseRangeSets([
    ...runtimeConfig.ipRanges,
    ...subnet ? [[{ subnet, rangeStart, rangeEnd, gateway }]] : [],
    ...raw.ranges,
  ]);
  if (rangeSets.length === 0) throw missingRanges(what);
  return {
    pool: DEFAULT_POOL,
    rangeSets,
    excluded: [],
    reserved: [],
    requested: distinctAddresses([
      ...parseArgsIp(sources.argsIp ?? ""),
      ...cniArgs.ips,
      ...runtimeConfig.ips,
    ]),
    strategy: parseStrategy(raw.allocation_strategy ?? raw.allocationStrategy, what),
    cooldownMs: parseDurationMs(raw.cooldown ?? DEFAULT_COOLDOWN, `cooldown in ${what}`),
    stickyMs: 0,
  };
}

/**
 * Refuses several addresses of one family, which results before version 0.3.0 have no place for.
 * @throws ConfigError in the words of host-local.
 */
export function requireOnePerFamily({ rangeSets }: IpamConfig, cniVersion: string): void {
  const families = new Set(rangeSets.map(([range]) => range?.subnet.address.family));
  if (families.size === rangeSets.length) return;
  throw new ConfigError(
    "invalid-config",
    `CNI version ${cniVersion} does not support more than 1 address per family`,
  );
}

/** A request may carry a prefix length, which says nothing: the range's own counts. */
function parseRequest(text: string): Address | undefined {
  return tryParseAddress(text) ?? tryParsePrefix(text)?.address;
}

function parseArgsIp(text: string): Address[] {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return parts.map((part) => {
    const request = parseRequest(part);
    if (request) return request;
    throw new ConfigError(
      "invalid-environment",
      `Cannot use IP "${part}" of CNI_ARGS: not an IP address`,
    );
  });
}

function parseStrategy(name: string | undefined, what: string): StrategyName {
  if (name === undefined) return "sequential";
  const known = STRATEGY_NAMES.find((candidate) => candidate === name);
  if (known) return known;
  throw new ConfigError(
    "unsupported-field",
    `Cannot use allocation_strategy "${name}" in ${what}: this release has ` +
      STRATEGY_NAMES.map((candidate) => `"${candidate}"`).join(", "),
  );
}

function refuseUnbuilt(ipam: unknown, what: string): void {
  const key = UNBUILT_KEYS.find((name) =>
    typeof ipam === "object" && ipam !== null && name in ipam
  );
  if (key === undefined) return;
  throw new ConfigError(
    "unsupported-field",
    `Cannot use "${key}" in ${what}: this release does not have it yet`,
  );
}

function missingRanges(what: string): ConfigError {
  return new ConfigError(
    "no-pod-cidr",
    `Cannot choose addresses for pods: ${what} has neither "subnet" nor "ranges", and ` +
      `runtimeConfig no "ipRanges"; add "subnet": "<the node's PodCIDR>"`,
  );
}
