/**
 * Named selections of range sets inside the address space of one network. Pools may overlap: which
 * addresses are taken is known by network, not by pool.
 */
import { ConfigError } from "../errors.ts";
import { showValue } from "../schema.ts";
import { type AddressSupply, claimableIntervals } from "./interval.ts";
import { type AddressRange, formatRangeSet, parseRangeSets } from "./range.ts";
import { type IpamSection, parseSection, type WrittenPool, type WrittenRange } from "./section.ts";
import type { AddressSpan } from "./span.ts";

/** Some range sets of a network, and who gets addresses out of them. */
export interface AddressPool extends AddressSupply {
  /** {@linkcode DEFAULT_POOL}, or a name of `pools`. */
  readonly name: string;
  /** Kubernetes namespaces whose pods belong to it; none for the default pool. */
  readonly namespaces: readonly string[];
}

/** Range sets that a caller wants before those of one pool: `runtimeConfig.ipRanges`. */
export interface FirstRanges {
  /** Name of the pool. */
  readonly pool: string;
  readonly rangeSets: IpamSection["ranges"];
}

/** Name of the pool that the ranges of the `ipam` section itself make. */
export const DEFAULT_POOL = "default";

/** A pool before its ranges are checked. */
interface PoolDraft {
  /** Where it is in the section, such as `pools.0`; empty for the section itself. */
  readonly path: string;
  readonly written: WrittenPool;
  readonly rangeSets: readonly (readonly WrittenRange[])[];
}

/** What is wrong, and where. */
interface Fault {
  readonly path: string;
  readonly text: string;
  readonly cause?: unknown;
}

/**
 * The pools of an `ipam` section: the default one first if it has ranges.
 * @throws ConfigError `invalid-config` with every fault and its path.
 */
export function parsePools(network: string, ipam: unknown): AddressPool[] {
  const what = `ipam of network "${network}"`;
  return resolvePools(parseSection(ipam, what), what);
}

/**
 * The pools of a section. Its own `exclude` and `reserved` hold for all of them, those of a pool or
 * of a range for that pool. The gateway of one pool is given by none.
 * @param what names the section in errors.
 * @throws ConfigError `invalid-config` with every fault and its path.
 */
export function resolvePools(
  section: IpamSection,
  what: string,
  first?: FirstRanges,
): AddressPool[] {
  const drafts = draftPools(section, first);
  const faults = drafts.flatMap((draft) => faultsOf(draft, section));
  const resolved = drafts.map((draft) => ({ draft, rangeSets: resolveSets(draft, faults) }));
  const gateways = resolved.flatMap(({ rangeSets }) => rangeSets.flat().map(gatewayOf));
  const pools = resolved.map(({ draft, rangeSets }) => {
    const pool = poolOf(draft, section, rangeSets, gateways);
    faults.push(...findEmptySets(pool, draft.path));
    return pool;
  });
  if (faults.length > 0) throw faultySection(faults, what);
  return pools;
}

function draftPools(section: IpamSection, first: FirstRanges | undefined): PoolDraft[] {
  const whole = { ...section, name: DEFAULT_POOL, namespaces: [] };
  return [whole, ...section.pools].map((written, index) => ({
    path: index === 0 ? "" : `pools.${index - 1}`,
    written,
    rangeSets: [
      ...first?.pool === written.name ? first.rangeSets : [],
      ...ownRange(written),
      ...written.ranges,
    ],
  })).filter(({ path, rangeSets }) => path !== "" || rangeSets.length > 0);
}

/** The short form: one range without a list around it. */
function ownRange({ subnet, rangeStart, rangeEnd, gateway }: WrittenPool): WrittenRange[][] {
  return subnet ? [[{ subnet, rangeStart, rangeEnd, gateway, exclude: [], reserved: [] }]] : [];
}

/** Everything but what is wrong with a range. */
function faultsOf({ path, written, rangeSets }: PoolDraft, { pools }: IpamSection): Fault[] {
  const { name, subnet } = written;
  const firstOfName = pools.find((pool) => pool.name === name);
  const isTaken = path !== "" && (name === DEFAULT_POOL || firstOfName !== written);
  const stray = (["rangeStart", "rangeEnd", "gateway"] as const)
    .filter((key) => !subnet && written[key]);
  return [
    ...isTaken
      ? [{ path: join(path, "name"), text: `another name wanted than ${showValue(name)}` }]
      : [],
    ...stray.map((key) => ({ path: join(path, key), text: `"subnet" wanted beside it` })),
    ...rangeSets.length === 0 ? [{ path, text: `"subnet" or "ranges" wanted` }] : [],
  ];
}

/** Adds what is wrong to `faults`, and answers no sets then. */
function resolveSets({ path, rangeSets }: PoolDraft, faults: Fault[]): AddressRange[][] {
  try {
    return parseRangeSets(rangeSets);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push({ path, text: error.message, cause: error });
    return [];
  }
}

function gatewayOf({ gateway }: AddressRange): AddressSpan {
  return { first: gateway, last: gateway };
}

function poolOf(
  { path, written, rangeSets }: PoolDraft,
  section: IpamSection,
  sets: readonly (readonly AddressRange[])[],
  gateways: readonly AddressSpan[],
): AddressPool {
  const parts = [section, ...path === "" ? [] : [written], ...rangeSets.flat()];
  return {
    name: written.name,
    namespaces: written.namespaces,
    rangeSets: sets,
    excluded: [...parts.flatMap(({ exclude }) => exclude), ...gateways],
    reserved: parts.flatMap(({ reserved }) => reserved),
  };
}

function findEmptySets(pool: AddressPool, path: string): Fault[] {
  return pool.rangeSets.flatMap((set, index) =>
    claimableIntervals(pool, set).length > 0 ? [] : [{
      path,
      text: `range set ${index} has no address for pods: nothing is left of ` +
        `${formatRangeSet(set)} without gateways, network, broadcast and "exclude"`,
    }]
  );
}

/** A single fault of the section's own ranges is told in the very words of host-local. */
function faultySection(faults: readonly Fault[], what: string): ConfigError {
  const [only] = faults;
  const text = faults.length === 1 && only?.path === ""
    ? only.text
    : `Cannot use ${what}: ${faults.map(({ path, text }) => join(path, text, ": ")).join("; ")}`;
  const cause = faults.find((fault) => fault.cause !== undefined)?.cause;
  return new ConfigError("invalid-config", text, { cause });
}

function join(path: string, rest: string, separator = "."): string {
  return path === "" ? rest : `${path}${separator}${rest}`;
}
