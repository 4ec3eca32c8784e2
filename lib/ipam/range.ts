/**
 * Ranges and sets of ranges as the `ipam` section gives them: one pod gets one address of each set.
 * Rules, defaults and error texts are those of the reference plugin host-local (cni.dev,
 * "host-local IP address management plugin"), so that its configurations and their users move over.
 */
import { ConfigError } from "../errors.ts";
import { addOffset, type Address, FAMILY_BITS, formatAddress, isBetween } from "../net/address.ts";
import {
  containsAddress,
  formatPrefix,
  hasHostBits,
  lastAddress,
  networkOf,
  type Prefix,
} from "../net/prefix.ts";

/** A stretch of a subnet from which addresses are given; its ends belong to it. */
export interface AddressRange {
  /** Without host bits. */
  readonly subnet: Prefix;
  readonly start: Address;
  readonly end: Address;
  /** Never given to a pod. */
  readonly gateway: Address;
}

/** A range as written. */
export interface RawRange {
  readonly subnet: Prefix;
  readonly rangeStart?: Address | undefined;
  readonly rangeEnd?: Address | undefined;
  readonly gateway?: Address | undefined;
}

/** Host bits that a subnet needs: network, broadcast and two more addresses. */
const MIN_HOST_BITS = 2;

/** The upper 96 bits of IPv4-mapped IPv6 addresses, `::ffff:0:0/96`: RFC 4291 section 2.5.5.2. */
const MAPPED_PREFIX = 0xffffn;

/**
 * Reads sets of ranges and fills in the defaults: the first address as gateway and start, the last
 * (IPv4: before broadcast) as end.
 * @throws ConfigError in the words of host-local: too small, host bits, outside, mixed, overlapping.
 */
export function parseRangeSets(raw: readonly (readonly RawRange[])[]): AddressRange[][] {
  const sets = raw.map((set, index) => {
    try {
      return parseRangeSet(set);
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      throw new ConfigError("invalid-config", `invalid range set ${index}: ${cause.message}`, {
        cause,
      });
    }
  });
  for (const [index, set] of sets.entries()) {
    const other = sets.findIndex((later, at) => at > index && setsOverlap(set, later));
    if (other >= 0) {
      throw new ConfigError("invalid-config", `range set ${index} overlaps with ${other}`);
    }
  }
  return sets;
}

/** True when the address lies between the ends of the range. */
export function isInRange(range: AddressRange, address: Address): boolean {
  return isBetween(address, range.start, range.end);
}

/** The last address for pods: IPv4 keeps the very last for broadcast (RFC 919), IPv6 has none. */
export function lastUsable(subnet: Prefix): Address {
  const last = lastAddress(subnet);
  return last.family === 4 ? addOffset(last, -1n) : last;
}

/** `start-end`, several with commas. */
export function formatRangeSet(set: readonly AddressRange[]): string {
  return set.map((range) => `${formatAddress(range.start)}-${formatAddress(range.end)}`).join(",");
}

function parseRangeSet(raw: readonly RawRange[]): AddressRange[] {
  if (raw.length === 0) throw new ConfigError("invalid-config", "empty range set");
  const set = raw.map(parseRange);
  if (new Set(set.map((range) => range.subnet.address.family)).size > 1) {
    throw new ConfigError("invalid-config", "mixed address families");
  }
  for (const [index, range] of set.entries()) {
    const other = set.find((later, at) => at > index && rangesOverlap(range, later));
    if (!other) continue;
    throw new ConfigError(
      "invalid-config",
      `subnets ${formatRangeSet([range])} and ${formatRangeSet([other])} overlap`,
    );
  }
  return set;
}

function parseRange(raw: RawRange): AddressRange {
  const { subnet } = raw;
  checkSubnet(subnet);
  const first = addOffset(subnet.address, 1n);
  const { gateway = first, rangeStart: start = first, rangeEnd: end = lastUsable(subnet) } = raw;
  if (gateway.family !== subnet.address.family) {
    throw new ConfigError(
      "invalid-config",
      `gateway ${formatAddress(gateway)} not of the family of network ${formatPrefix(subnet)}`,
    );
  }
  // Of two bounds in the wrong order, host-local blames the start if one was written.
  const isOrdered = start.family !== end.family || start.value <= end.value;
  const isStartRight = isOrdered || !raw.rangeStart;
  checkInside("RangeStart", start, subnet, containsAddress(subnet, start) && isStartRight);
  checkInside("RangeEnd", end, subnet, containsAddress(subnet, end) && isOrdered);
  return { subnet, start, end, gateway };
}

function checkSubnet(subnet: Prefix): void {
  if (subnet.length > FAMILY_BITS[subnet.address.family] - MIN_HOST_BITS) {
    throw new ConfigError(
      "invalid-config",
      `Network ${formatPrefix(subnet)} too small to allocate from`,
    );
  }
  if (hasHostBits(subnet)) {
    throw new ConfigError(
      "invalid-config",
      `Network has host bits set. For a subnet mask of length ${subnet.length} the network ` +
        `address is ${formatAddress(networkOf(subnet).address)}`,
    );
  }
  refuseMapped(subnet);
}

/** Of such a network the pods would get IPv6 addresses that no kernel sends to. */
function refuseMapped(subnet: Prefix): void {
  const { address: { family, value }, length } = subnet;
  if (family !== 6 || value >> 32n !== MAPPED_PREFIX) return;
  const ipv4 = formatAddress({ family: 4, value: value & 0xffff_ffffn });
  throw new ConfigError(
    "invalid-config",
    `Network ${formatPrefix(subnet)} is IPv4 written as IPv6: write ${ipv4}/${length - 96}`,
  );
}

function checkInside(name: string, address: Address, subnet: Prefix, isInside: boolean): void {
  if (isInside) return;
  throw new ConfigError(
    "invalid-config",
    `${name} ${formatAddress(address)} not in network ${formatPrefix(subnet)}`,
  );
}

function setsOverlap(a: readonly AddressRange[], b: readonly AddressRange[]): boolean {
  return a.some((range) => b.some((other) => rangesOverlap(range, other)));
}

function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.start.family === b.start.family && a.start.value <= b.end.value &&
    b.start.value <= a.end.value;
}
