/** One suite for every strategy, both families and all prefix lengths; then what is their own. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AddressMap } from "../../tests/fakes/address_map.ts";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
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
import { containsAddress, formatPrefix, lastAddress, type Prefix } from "../net/prefix.ts";
import { type AllocatedAddress, type Choice, chooseAddresses } from "./allocate.ts";
import { type BlockBits, freeBits } from "./block.ts";
import { type IpamConfig, parseIpamConfig } from "./config.ts";
import { countAddresses, type Interval, usableIntervals } from "./interval.ts";
import { findStrategy, STRATEGIES, STRATEGY_NAMES, type StrategyName } from "./strategy.ts";

/** First address of the subnets, and the shortest and longest prefix length. */
const SUBNETS: Readonly<Record<Family, readonly [Address, number, number]>> = {
  4: [parseAddress("10.0.0.0"), 8, 30],
  6: [parseAddress("fd00::"), 48, 126],
};

/** Host bits up to which a subnet is given out to its last address. */
const DRAINED_BITS = 7;
/** How many addresses of a larger one are given. */
const SAMPLES = 40;
/** Blocks that one choice may read when all but one address of 2^24 are taken. */
const MOST_READS = 7;

/** A subnet with some addresses withheld, as offsets from its first. */
interface Fixture {
  readonly subnet: Prefix;
  readonly gateway: bigint;
  readonly excluded: readonly bigint[];
  readonly reserved: readonly bigint[];
  /** Those that pods get, when there are not too many. */
  readonly usable: bigint;
}

for (const strategy of STRATEGY_NAMES) {
  for (const family of FAMILIES) {
    Deno.test(`strategies: ${strategy} keeps the contract in IPv${family}`, () => {
      const { random } = seededRandom();
      const [first, shortest, longest] = SUBNETS[family];
      for (let length = shortest; length <= longest; length++) {
        keepsContract(strategy, fixtureOf({ address: first, length }), random);
      }
    });

    Deno.test(`strategies: ${strategy} finds the last free one of 2^24 in IPv${family} with few reads`, () => {
      const { random } = seededRandom();
      const [first] = SUBNETS[family];
      const subnet = { address: first, length: FAMILY_BITS[family] - 24 };
      const config = configOf(strategy, { subnet: formatPrefix(subnet) });
      for (const offset of [2n, 4_095n, 4_096n, 0x7f_ffffn, 0xff_fffen]) {
        const free = addOffset(first, offset);
        const map = nearlyFull(subnet, free);
        for (const cursor of [undefined, 2n, 0x12_3456n, offset, 0xff_fffen]) {
          map.reads = 0;
          const last = cursor === undefined ? undefined : addOffset(first, cursor);
          assertEquals(choose(map, config, last, random)?.address.address, free);
          assert(map.reads <= MOST_READS, `${map.reads} reads`);
        }
      }
    });
  }
}

Deno.test("sequential: goes on behind the address that was given last", () => {
  assertEquals(orderOf("sequential", undefined), ["2", "3", "5", "6"]);
  assertEquals(orderOf("sequential", "10.0.0.2"), ["3", "5", "6", "2"]);
  assertEquals(orderOf("sequential", "10.0.0.4"), ["5", "6", "2", "3"]);
  assertEquals(orderOf("sequential", "10.0.0.6"), ["2", "3", "5", "6"]);
});

Deno.test("dense: begins at the first address, whatever was given last", () => {
  for (const cursor of [undefined, "10.0.0.2", "10.0.0.6"]) {
    assertEquals(orderOf("dense", cursor), ["2", "3", "5", "6"]);
  }
});

Deno.test("random: begins anywhere with the same chance, and goes on from there", () => {
  const orders = [0, 0.24, 0.25, 0.49, 0.5, 0.75, 1 - Number.EPSILON].map((number) =>
    orderOf("random", "10.0.0.3", () => number).join("")
  );
  assertEquals(orders, ["2356", "2356", "3562", "3562", "5623", "6235", "6235"]);
});

Deno.test("random: every address of a /48 can come first", () => {
  const config = configOf("random", { subnet: "fd00::/48" });
  const usable = usableIntervals(config, config.rangeSets[0] ?? []);
  const starts = [[0], [0.5], [0, 0.5], [0, 0, 1 - 2 ** -32], [1 - 2 ** -32]].map((draws) => {
    let at = 0;
    const [first] = STRATEGIES.random(usable, undefined, () => draws[at++] ?? 0);
    return first && formatAddress(first.first);
  });
  assertEquals(starts, [
    "fd00::2",
    "fd00:0:0:8000::1",
    "fd00::8000:0:1",
    "fd00::1:1",
    "fd00:0:0:ffff:ffff::",
  ]);
});

Deno.test("findStrategy: knows names and aliases", () => {
  const names = ["sequential", "random", "dense", "dense-pack", "dense_pack", "Dense", ""];
  assertEquals(names.map(findStrategy), [
    ...["sequential", "random", "dense", "dense", "dense"] as const,
    ...[undefined, undefined],
  ]);
});

/** Gives out the subnet, or a part of it, and tries what must not be. */
function keepsContract(
  strategy: StrategyName,
  fixture: Fixture,
  random: (bound: number) => number,
): void {
  const { subnet, gateway, excluded, reserved, usable } = fixture;
  const text = (offset: bigint) => formatAddress(addOffset(subnet.address, offset));
  const ipam = {
    subnet: formatPrefix(subnet),
    gateway: text(gateway),
    rangeStart: text(0n),
    rangeEnd: formatAddress(lastAddress(subnet)),
    exclude: excluded.map(text),
    reserved: reserved.map(text),
  };
  const config = configOf(strategy, ipam);
  const isDrained = usable <= 2n ** BigInt(DRAINED_BITS);
  const map = new AddressMap();
  const given = new Map<bigint, Address>();
  let last: Address | undefined;
  for (let count = 0; count < (isDrained ? Number(usable) : SAMPLES); count++) {
    const one = choose(map, config, last, random);
    assert(one, `${ipam.subnet} after ${count}`);
    checkGiven(one, fixture);
    last = one.address.address;
    assert(!given.has(last.value), `${formatAddress(last)} twice`);
    given.set(last.value, last);
    map.mark(last, "used");
  }
  if (isDrained) refusesAndWraps(map, config, [...given.values()], random);
  for (const offset of reserved) {
    const asked = configOf(strategy, ipam, text(offset));
    assertEquals(
      choose(map, asked, last, random)?.address.address.value,
      subnet.address.value + offset,
    );
  }
  for (const offset of excluded) {
    const asked = configOf(strategy, ipam, text(offset));
    const error = assertThrows(() => choose(map, asked, last, random), ConfigError, "is excluded");
    assertEquals(error.reason, "address-unavailable");
  }
}

function checkGiven({ address, gateway }: AllocatedAddress, fixture: Fixture): void {
  const { subnet, excluded, reserved } = fixture;
  const offset = address.address.value - subnet.address.value;
  const isBroadcast = subnet.address.family === 4 &&
    address.address.value === lastAddress(subnet).value;
  // Offset 0 is the network itself: in IPv6 the subnet-router anycast address.
  const withheld = [0n, fixture.gateway, ...excluded, ...reserved];
  assert(
    containsAddress(subnet, address.address) && !withheld.includes(offset) && !isBroadcast,
    `${formatPrefix(address)} was given`,
  );
  assertEquals(address.length, subnet.length);
  assertEquals(gateway, addOffset(subnet.address, fixture.gateway));
}

/** A full subnet gives nothing, and gives again whatever comes back, wherever the round stands. */
function refusesAndWraps(
  map: AddressMap,
  config: IpamConfig,
  given: readonly Address[],
  random: (bound: number) => number,
): void {
  for (let round = 0; round < 5; round++) {
    const cursor = given[random(given.length)];
    const error = assertThrows(() => choose(map, config, cursor, random), ConfigError);
    assertEquals(error.reason, "pool-exhausted");
    const freed = given[random(given.length)];
    if (!freed) continue;
    map.mark(freed, "free");
    assertEquals(choose(map, config, cursor, random)?.address.address, freed);
    map.mark(freed, "used");
  }
}

/** The gateway is the second or the last address; larger subnets have something withheld. */
function fixtureOf(subnet: Prefix): Fixture {
  const hostBits = FAMILY_BITS[subnet.address.family] - subnet.length;
  const end = lastAddress(subnet).value - subnet.address.value -
    (subnet.address.family === 4 ? 1n : 0n);
  const isLarge = hostBits > 3;
  const excluded = isLarge ? [3n, 4n, end - 1n] : [];
  const reserved = isLarge ? [7n, 9n] : [];
  const gateway = hostBits % 2 === 0 ? 1n : end;
  const usable = end - 1n - BigInt(excluded.length + reserved.length);
  return { subnet, gateway, excluded, reserved, usable };
}

/** A map of 2^24 addresses that are all used, but for one. */
function nearlyFull({ address: first }: Prefix, free: Address): AddressMap {
  const map = new AddressMap();
  const full = (level: number): BlockBits => freeBits({ level, first }).fill(0xffff_ffff, 0, 128);
  for (let page = 0n; page < 4_096n; page++) {
    map.put({ level: 0, first: addOffset(first, page << 12n) }, full(0));
  }
  map.put({ level: 1, first }, full(1));
  map.mark(free, "free");
  return map;
}

/** Last parts of the addresses of 10.0.0.0/29 without .4 in the order of a strategy. */
function orderOf(
  strategy: StrategyName,
  cursor: string | undefined,
  random: () => number = () => 0.9,
): string[] {
  const config = configOf(strategy, { subnet: "10.0.0.0/29", exclude: ["10.0.0.4"] });
  const usable = usableIntervals(config, config.rangeSets[0] ?? []);
  const round = STRATEGIES[strategy](usable, cursor ? parseAddress(cursor) : undefined, random);
  assertEquals(countAddresses(round), countAddresses(usable));
  return round.flatMap(listAddresses).map((address) => formatAddress(address).slice(-1));
}

function listAddresses({ first, last }: Interval): Address[] {
  const count = Number(last.value - first.value) + 1;
  return Array.from({ length: count }, (_, offset) => addOffset(first, BigInt(offset)));
}

function configOf(
  allocation_strategy: StrategyName,
  ipam: Record<string, unknown>,
  argsIp?: string,
): IpamConfig {
  return parseIpamConfig({ network: "pods", ipam: { ...ipam, allocation_strategy }, argsIp });
}

function choose(
  map: AddressMap,
  config: IpamConfig,
  cursor: Address | undefined,
  random: (bound: number) => number,
): AllocatedAddress | undefined {
  const choice: Choice = {
    cursors: [cursor],
    preferred: [],
    rested: [],
    random: () => random(2 ** 32) / 2 ** 32,
  };
  return map.decide(chooseAddresses(config, choice))[0];
}
