/**
 * What host-local's allocator_test.go holds, as facts, for both families and every strategy. Where
 * round robin differs from another strategy, the row says so; where chance decides, any address will
 * do that is free.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AddressMap } from "../../tests/fakes/address_map.ts";
import { ConfigError } from "../errors.ts";
import {
  addOffset,
  type Address,
  FAMILIES,
  type Family,
  FAMILY_BITS,
  formatAddress,
  parseAddress,
} from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { chooseAddresses } from "./allocate.ts";
import { type IpamConfig, parseIpamConfig } from "./config.ts";
import { findInterval, usableIntervals } from "./interval.ts";
import { formatRangeSet } from "./range.ts";
import { STRATEGY_NAMES, type StrategyName } from "./strategy.ts";

/**
 * An address: its subnet among those of the row, and its offset there; a negative offset counts back
 * from the last address for pods.
 */
type Place = readonly [subnet: number, offset: number];

/** One range set and what is known of it. */
interface Row {
  /** Host bits of each subnet. */
  readonly hostBits: readonly number[];
  readonly taken?: readonly Place[];
  readonly last?: Place;
  /** Of round robin, and of `dense` if that gives another one; absent when it is full. */
  readonly want?: Place;
  readonly dense?: Place;
}

const ROWS: Readonly<Record<string, Row>> = {
  "a fresh /29": { hostBits: [3], want: [0, 2] },
  "a fresh wide one": { hostBits: [24], want: [0, 2] },
  "the smallest": { hostBits: [2], want: [0, 2] },
  "the first is taken": { hostBits: [3], taken: [[0, 2]], want: [0, 3] },
  "behind the last one": { hostBits: [3], last: [0, 5], want: [0, 6], dense: [0, 2] },
  "behind the last one and taken ones": {
    hostBits: [3],
    taken: [[0, 4], [0, 5]],
    last: [0, 3],
    want: [0, 6],
    dense: [0, 2],
  },
  "to the beginning": { hostBits: [3], taken: [[0, -1]], last: [0, -2], want: [0, 2] },
  "the last one is of no range": { hostBits: [3], taken: [[0, 2]], last: [0, 128], want: [0, 3] },
  "full but for the last one itself": {
    hostBits: [3],
    taken: [[0, 2], [0, 4], [0, 5], [0, 6], [0, -1]],
    last: [0, 3],
    want: [0, 3],
  },
  "several subnets": { hostBits: [2, 2], want: [0, 2] },
  "on to the next subnet": {
    hostBits: [2, 2],
    last: [0, -1],
    want: [1, 2],
    dense: [0, 2],
  },
  "from the last subnet to the first": { hostBits: [2, 2, 2], last: [2, -1], want: [0, 2] },
  "a full /30": { hostBits: [2], taken: [[0, 2], [0, -1]] },
  "a full /29": { hostBits: [3], taken: [[0, 2], [0, 3], [0, 4], [0, 5], [0, 6], [0, -1]] },
  "two full /30": { hostBits: [2, 2], taken: [[0, 2], [0, -1], [1, 2], [1, -1]] },
};

/** Where the round stands, and in which order a /29 or /125 is given, as offsets. */
const ROUNDS: readonly [last: number | undefined, Readonly<Record<Family, number[]>>][] = [
  [undefined, { 4: [2, 3, 4, 5, 6], 6: [2, 3, 4, 5, 6, 7] }],
  [-1, { 4: [2, 3, 4, 5, 6], 6: [2, 3, 4, 5, 6, 7] }],
  [3, { 4: [4, 5, 6, 2, 3], 6: [4, 5, 6, 7, 2, 3] }],
];

const BASES: Readonly<Record<Family, Address>> = {
  4: parseAddress("10.0.0.0"),
  6: parseAddress("2001:db8:1::"),
};

for (const family of FAMILIES) {
  for (const [name, row] of Object.entries(ROWS)) {
    Deno.test(`host-local: ${name}, IPv${family}`, () => {
      for (const strategy of STRATEGY_NAMES) playRow(row, family, strategy);
    });
  }

  Deno.test(`host-local: a round has every address once and no broadcast, IPv${family}`, () => {
    for (const [last, want] of ROUNDS) {
      const row: Row = { hostBits: [3] };
      const map = new AddressMap();
      let cursor = last === undefined ? undefined : placeOf(row, family, [0, last]);
      for (const offset of want[family]) {
        cursor = chooseOne(map, configOf(row, family, "sequential"), cursor);
        assertEquals(cursor, placeOf(row, family, [0, offset]));
        map.mark(cursor, "used");
      }
      assertDry(map, configOf(row, family, "sequential"), cursor);
    }
  });

  Deno.test(`host-local: a released address comes last in the round, IPv${family}`, () => {
    const config = configOf({ hostBits: [3] }, family, "sequential");
    const map = new AddressMap();
    const first = chooseOne(map, config, undefined);
    map.mark(first, "used");
    map.mark(first, "free");
    assertEquals(chooseOne(map, config, first), addOffset(first, 1n));
  });

  Deno.test(`host-local: requested addresses, IPv${family}`, () => {
    const row: Row = { hostBits: [3] };
    const requested = placeOf(row, family, [0, 5]);
    for (const strategy of STRATEGY_NAMES) {
      const map = new AddressMap();
      const bounded = (bounds: Record<string, string>) =>
        configOf(row, family, strategy, requested, bounds);
      const config = bounded({});
      assertEquals(chooseOne(map, config, undefined), requested);
      map.mark(requested, "used");
      const set = config.rangeSets.map(formatRangeSet).join();
      assertRefused(
        map,
        config,
        "failed to allocate for range 0: requested IP address " +
          `${formatAddress(requested)} is not available in range set ${set}`,
      );
      const outside = `failed to allocate all requested IPs: ${formatAddress(requested)}`;
      const at = (offset: number) => formatAddress(placeOf(row, family, [0, offset]));
      assertRefused(map, bounded({ rangeEnd: at(4) }), outside);
      assertRefused(map, bounded({ rangeStart: at(6) }), outside);
      assertRefused(
        map,
        bounded({ gateway: at(5) }),
        `failed to allocate for range 0: requested ip ${
          formatAddress(requested)
        } is subnet's gateway`,
      );
    }
  });
}

function playRow(row: Row, family: Family, strategy: StrategyName): void {
  const map = new AddressMap();
  const taken = (row.taken ?? []).map((place) => placeOf(row, family, place));
  for (const address of taken) map.mark(address, "used");
  const config = configOf(row, family, strategy);
  const cursor = row.last && placeOf(row, family, row.last);
  if (!row.want) return assertDry(map, config, cursor);
  const chosen = chooseOne(map, config, cursor);
  if (strategy === "random") return assertFree(chosen, config, taken);
  const want = strategy === "dense" ? row.dense ?? row.want : row.want;
  assertEquals(chosen, placeOf(row, family, want), strategy);
}

function assertDry(map: AddressMap, config: IpamConfig, cursor: Address | undefined): void {
  const error = assertThrows(() => chooseOne(map, config, cursor), ConfigError);
  assertEquals(error.reason, "pool-exhausted");
  const set = config.rangeSets.map(formatRangeSet).join();
  assertEquals(
    error.message,
    `failed to allocate for range 0: no IP addresses available in range set: ${set}`,
  );
}

function assertRefused(map: AddressMap, config: IpamConfig, want: string): void {
  const error = assertThrows(() => chooseOne(map, config, undefined), ConfigError);
  assertEquals([error.reason, error.message], ["address-unavailable", want]);
}

function assertFree(address: Address, config: IpamConfig, taken: readonly Address[]): void {
  const text = formatAddress(address);
  assert(!taken.map(formatAddress).includes(text), `${text} is taken`);
  const usable = config.rangeSets.flatMap((set) => usableIntervals(config, set));
  assert(findInterval(usable, address), `${text} is not usable`);
}

function chooseOne(map: AddressMap, config: IpamConfig, cursor: Address | undefined): Address {
  const random = () => 0.7;
  const choice = { cursors: [cursor], preferred: [], rested: [], random };
  const [one] = map.decide(chooseAddresses(config, choice));
  assert(one);
  return one.address.address;
}

function configOf(
  { hostBits }: Row,
  family: Family,
  allocation_strategy: StrategyName,
  requested?: Address,
  bounds: Record<string, string> = {},
): IpamConfig {
  const set = hostBits.map((bits, subnet) => ({
    subnet: formatPrefix({ address: baseOf(family, subnet), length: FAMILY_BITS[family] - bits }),
    ...bounds,
  }));
  const argsIp = requested && formatAddress(requested);
  const ipam = { ranges: [set], allocation_strategy };
  return parseIpamConfig({ network: "pods", ipam, argsIp });
}

function placeOf({ hostBits }: Row, family: Family, [subnet, offset]: Place): Address {
  const size = 2 ** (hostBits[subnet] ?? 0);
  const end = family === 4 ? size - 2 : size - 1;
  return addOffset(baseOf(family, subnet), BigInt(offset < 0 ? end + 1 + offset : offset));
}

/** Subnets do not touch each other. */
function baseOf(family: Family, subnet: number): Address {
  return addOffset(BASES[family], BigInt(subnet) << 24n);
}
