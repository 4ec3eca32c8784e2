/** Decides which addresses a pod gets; see `block.ts` for how it asks which ones are taken. */
import { ConfigError } from "../errors.ts";
import { type Address, equalAddresses, formatAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { type BlockReads, findFree, readUse } from "./block.ts";
import type { IpamConfig } from "./config.ts";
import { findInterval, type Interval, usableIntervals } from "./interval.ts";
import { type AddressRange, formatRangeSet, isInRange } from "./range.ts";
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

/**
 * One address of each set: the requested one that lies in it, else what the strategy finds. Sets
 * never overlap, so no choice depends on another.
 * @throws ConfigError `pool-exhausted` or `address-unavailable`, in the words of host-local.
 */
export function* chooseAddresses(
  config: IpamConfig,
  choice: Choice,
): BlockReads<AllocatedAddress[]> {
  const requests = assignRequests(config);
  const chosen: AllocatedAddress[] = [];
  for (const [index, set] of config.rangeSets.entries()) {
    const usable = usableOf(config, set);
    const request = requests[index];
    const allocated = request
      ? yield* claimAddress(request, usable, set, index)
      : yield* searchAddress(
        STRATEGIES[config.strategy](usable, choice.cursors[index], choice.random),
        set,
        index,
      );
    chosen.push(allocated);
  }
  refuseUnassigned(config, requests);
  return chosen;
}

/**
 * Tells without choosing whether a pod could have an address of every set.
 * @throws ConfigError `pool-exhausted`.
 */
export function* requireFree(config: IpamConfig): BlockReads<void> {
  for (const [index, set] of config.rangeSets.entries()) {
    yield* searchAddress(usableOf(config, set), set, index);
  }
}

/** No gateway is ever given to a pod, be it that of another range. */
function usableOf(config: IpamConfig, set: readonly AddressRange[]): Interval[] {
  return usableIntervals(set, config.rangeSets.flat().map((range) => range.gateway));
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

function* claimAddress(
  address: Address,
  usable: readonly Interval[],
  set: readonly AddressRange[],
  index: number,
): BlockReads<AllocatedAddress> {
  if (set.some((range) => equalAddresses(range.gateway, address))) {
    throw unavailable(index, `requested ip ${formatAddress(address)} is subnet's gateway`);
  }
  const interval = findInterval(usable, address);
  if (interval && (yield* readUse(address)) !== "used") return withSubnet(address, interval);
  throw unavailable(
    index,
    `requested IP address ${formatAddress(address)} is not available in range set ` +
      formatRangeSet(set),
  );
}

function* searchAddress(
  intervals: readonly Interval[],
  set: readonly AddressRange[],
  index: number,
): BlockReads<AllocatedAddress> {
  for (const interval of intervals) {
    const address = yield* findFree(interval);
    if (address) return withSubnet(address, interval);
  }
  throw new ConfigError(
    "pool-exhausted",
    `failed to allocate for range ${index}: no IP addresses available in range set: ` +
      formatRangeSet(set),
  );
}

function unavailable(index: number, seen: string): ConfigError {
  return new ConfigError("address-unavailable", `failed to allocate for range ${index}: ${seen}`);
}

function withSubnet(address: Address, { range }: Interval): AllocatedAddress {
  return { address: { address, length: range.subnet.length }, gateway: range.gateway };
}
