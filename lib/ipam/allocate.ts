/** Decides which addresses a pod gets; see `block.ts` for how it asks which ones are taken. */
import { ConfigError } from "../errors.ts";
import { type Address, equalAddresses, formatAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { type AddressUse, type BlockReads, findFree, readUse } from "./block.ts";
import type { IpamConfig } from "./config.ts";
import {
  type AddressSupply,
  claimableIntervals,
  findInterval,
  type Interval,
  usableIntervals,
} from "./interval.ts";
import { type AddressRange, formatRangeSet, isInRange } from "./range.ts";
import { isInSpan } from "./span.ts";
import { STRATEGIES } from "./strategy.ts";

/** One address of a pod. */
export interface AllocatedAddress {
  /** The interface address with the prefix length of its subnet. */
  readonly address: Prefix;
  /** Undefined when it is not known: a lease that was brought back from its traces. */
  readonly gateway: Address | undefined;
}

/** What was given before, and chance: all that a choice depends on beside the configuration. */
export interface Choice {
  /** The address that was given last, by set. */
  readonly cursors: readonly (Address | undefined)[];
  /** Tried before the strategy, free or resting: the pod had them before. */
  readonly preferred: readonly Address[];
  /** Resting addresses, the longest rested first; taken when a set is otherwise dry. */
  readonly rested: readonly Address[];
  /** A number from 0 to below 1, another one each time. */
  random(): number;
}

/** A range set and its place among the others, which error texts tell. */
interface NumberedSet {
  readonly index: number;
  readonly set: readonly AddressRange[];
}

/**
 * One address of each set: the requested one that lies in it, else a preferred one, else what the
 * strategy finds, else the one that rested longest. Sets never overlap, so no choice depends on
 * another.
 * @throws ConfigError `pool-exhausted` or `address-unavailable`, in the words of host-local.
 */
export function* chooseAddresses(
  config: IpamConfig,
  choice: Choice,
): BlockReads<AllocatedAddress[]> {
  const requests = assignRequests(config);
  const chosen: AllocatedAddress[] = [];
  for (const [index, set] of config.rangeSets.entries()) {
    const request = requests[index];
    chosen.push(
      request
        ? yield* claimAddress(config, { index, set }, request)
        : yield* pickAddress(config, { index, set }, choice),
    );
  }
  refuseUnassigned(config, requests);
  return chosen;
}

/**
 * Tells without choosing whether a pod could have an address of every set.
 * @param rested resting addresses, which count too.
 * @throws ConfigError `pool-exhausted`.
 */
export function* requireFree(
  supply: AddressSupply,
  rested: readonly Address[] = [],
): BlockReads<void> {
  for (const [index, set] of supply.rangeSets.entries()) {
    const usable = usableIntervals(supply, set);
    const found = (yield* searchFree(usable)) ?? (yield* findNamed(usable, rested, ["resting"]));
    if (!found) throw exhausted({ index, set });
  }
}

/** At most one request for each set, by the index of the set. */
function assignRequests({ rangeSets, requested }: IpamConfig): (Address | undefined)[] {
  return rangeSets.map((set) =>
    requested.find((address) => set.some((range) => isInRange(range, address)))
  );
}

function refuseUnassigned(
  { rangeSets, requested }: IpamConfig,
  assigned: readonly (Address | undefined)[],
): void {
  const unassigned = requested.filter((address) => !assigned.includes(address));
  if (unassigned.length === 0) return;
  throw new ConfigError(
    "address-unavailable",
    `failed to allocate all requested IPs: ${unassigned.map(formatAddress).join(" ")}`,
    { details: `the range sets are ${rangeSets.map(formatRangeSet).join(" and ")}` },
  );
}

/** The requested address, be it reserved or resting. */
function* claimAddress(
  supply: AddressSupply,
  numbered: NumberedSet,
  address: Address,
): BlockReads<AllocatedAddress> {
  const { set } = numbered;
  if (set.some((range) => equalAddresses(range.gateway, address))) {
    throw unavailable(numbered, `requested ip ${formatAddress(address)} is subnet's gateway`);
  }
  const found = yield* findNamed(claimableIntervals(supply, set), [address], ["free", "resting"]);
  if (found) return found;
  const isExcluded = supply.excluded.some((span) => isInSpan(span, address));
  throw unavailable(
    numbered,
    `requested IP address ${formatAddress(address)} is not available in range set ` +
      formatRangeSet(set) + (isExcluded ? `: it is excluded, or the gateway of another range` : ""),
  );
}

function* pickAddress(
  config: IpamConfig,
  numbered: NumberedSet,
  choice: Choice,
): BlockReads<AllocatedAddress> {
  const usable = usableIntervals(config, numbered.set);
  const round = STRATEGIES[config.strategy](
    usable,
    choice.cursors[numbered.index],
    () => choice.random(),
  );
  const found = (yield* findNamed(usable, choice.preferred, ["free", "resting"])) ??
    (yield* searchFree(round)) ??
    (yield* findNamed(usable, choice.rested, ["resting"]));
  if (!found) throw exhausted(numbered);
  return found;
}

/** The first of some addresses that lies in an interval and has one of these uses. */
function* findNamed(
  intervals: readonly Interval[],
  addresses: readonly Address[],
  uses: readonly AddressUse[],
): BlockReads<AllocatedAddress | undefined> {
  for (const address of addresses) {
    const interval = findInterval(intervals, address);
    if (interval && uses.includes(yield* readUse(address))) return withSubnet(address, interval);
  }
  return undefined;
}

/** The first free address of the intervals in their order. */
function* searchFree(
  intervals: readonly Interval[],
): BlockReads<AllocatedAddress | undefined> {
  for (const interval of intervals) {
    const address = yield* findFree(interval);
    if (address) return withSubnet(address, interval);
  }
  return undefined;
}

function exhausted({ index, set }: NumberedSet): ConfigError {
  return new ConfigError(
    "pool-exhausted",
    `failed to allocate for range ${index}: no IP addresses available in range set: ` +
      formatRangeSet(set),
  );
}

function unavailable({ index }: NumberedSet, seen: string): ConfigError {
  return new ConfigError("address-unavailable", `failed to allocate for range ${index}: ${seen}`);
}

function withSubnet(address: Address, { range }: Interval): AllocatedAddress {
  return { address: { address, length: range.subnet.length }, gateway: range.gateway };
}
