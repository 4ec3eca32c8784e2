/** What decides about the addresses of one pod: the `ipam` section, and what the caller asks for. */
import { ConfigError } from "../errors.ts";
import type { Address } from "../net/address.ts";
import { ANNOTATION_PREFIX, type DemandSources, parseDemand } from "./demand.ts";
import type { AddressSupply } from "./interval.ts";
import { DEFAULT_POOL, resolvePools } from "./pool.ts";
import { type IpamSection, parseSection } from "./section.ts";
import { findStrategy, STRATEGY_NAMES, type StrategyName } from "./strategy.ts";

/** Everything that takes part in choosing addresses, as a caller sent it. */
export interface IpamSources extends DemandSources {
  /** Network name, for error texts. */
  readonly network: string;
  /** The `ipam` object. */
  readonly ipam: unknown;
  /** Kubernetes namespace of the pod. */
  readonly podNamespace?: string | undefined;
  /** There is no pod, only the question whether one could be served: any pool will do. */
  readonly isForAnyPod?: boolean;
}

/** What decides about a pod's addresses; every default is filled in. */
export interface IpamConfig extends AddressSupply {
  /** Name of the pool, `default` or a name of `pools`. */
  readonly pool: string;
  /** Addresses that the pod must get, without repetitions. */
  readonly requested: readonly Address[];
  readonly strategy: StrategyName;
  /** How long a released address is not given again. */
  readonly cooldownMs: number;
  /** How long the address of a StatefulSet pod waits for the next pod of that name; 0: not at all. */
  readonly stickyMs: number;
}

/**
 * Reads what decides about addresses. Sets are those of `runtimeConfig.ipRanges`, then those of the
 * pod's pool: of its annotation, else of its namespace, else the default one; requests are joined.
 * @throws ConfigError: `invalid-config` (a key of a wrong type, or what `parseRangeSets` refuses),
 * `invalid-environment`, `unsupported-field`, or `no-pod-cidr` when nothing names a range.
 */
export function parseIpamConfig(sources: IpamSources): IpamConfig {
  const what = `ipam of network "${sources.network}"`;
  const section = parseSection(sources.ipam, what);
  const demand = parseDemand(sources);
  const wanted = demand.pool ?? poolOfNamespace(section, sources.podNamespace) ?? DEFAULT_POOL;
  const first = { pool: wanted, rangeSets: demand.rangeSets };
  const pools = resolvePools(section, what, first);
  const pool = pools.find(({ name }) => name === wanted) ??
    (sources.isForAnyPod ? pools[0] : undefined);
  if (!pool) {
    const names = pools.map(({ name }) => `"${name}"`).join(", ");
    throw missingPool(what, names, demand.pool, sources.podNamespace);
  }
  const { name, rangeSets, excluded, reserved } = pool;
  return {
    pool: name,
    rangeSets,
    excluded,
    reserved,
    requested: demand.addresses,
    strategy: parseStrategy(section, what),
    cooldownMs: section.cooldownMs,
    stickyMs: section.stickyMs,
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

function poolOfNamespace(
  { pools }: IpamSection,
  podNamespace: string | undefined,
): string | undefined {
  if (podNamespace === undefined) return undefined;
  return pools.find(({ namespaces }) => namespaces.includes(podNamespace))?.name;
}

/** Checks both spellings; the first one decides. */
function parseStrategy(
  { allocation_strategy, allocationStrategy }: IpamSection,
  what: string,
): StrategyName {
  const names = [allocation_strategy, allocationStrategy].filter((name) => name !== undefined);
  const [strategy = "sequential"] = names.map((name) => {
    const known = findStrategy(name);
    if (known) return known;
    throw new ConfigError(
      "unsupported-field",
      `Cannot use allocation_strategy "${name}" in ${what}: there are ` +
        STRATEGY_NAMES.map((known) => `"${known}"`).join(", "),
    );
  });
  return strategy;
}

/** @param names of the pools that there are, empty for none. */
function missingPool(
  what: string,
  names: string,
  annotated: string | undefined,
  podNamespace: string | undefined,
): ConfigError {
  if (names === "") {
    return new ConfigError(
      "no-pod-cidr",
      `Cannot choose addresses for pods: ${what} has neither "subnet" nor "ranges", and ` +
        `runtimeConfig no "ipRanges"; add "subnet": "<the node's PodCIDR>"`,
    );
  }
  if (annotated !== undefined) {
    return new ConfigError(
      "invalid-config",
      `Cannot use pool "${annotated}" of annotation "${ANNOTATION_PREFIX}pool": ${what} has ${names}`,
    );
  }
  const pod = podNamespace === undefined ? "without a namespace" : `of namespace "${podNamespace}"`;
  return new ConfigError(
    "invalid-config",
    `Cannot choose a pool for a pod ${pod}: ${what} has ${names}, none of them for it, ` +
      `and no "subnet" or "ranges" of its own for all others`,
  );
}
