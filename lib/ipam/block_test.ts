import { assertEquals } from "@std/assert";
import { AddressMap } from "../../tests/fakes/address_map.ts";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { addOffset, type Address, formatAddress, parseAddress } from "../net/address.ts";
import {
  type AddressUse,
  type BlockBits,
  changeUse,
  findFree,
  freeBits,
  pageOf,
  readUse,
  useOf,
} from "./block.ts";

Deno.test("findFree: answers the lowest free address of the interval", () => {
  const map = new AddressMap();
  const cases: [string, string, string | undefined][] = [
    ["10.0.0.2", "10.0.0.254", "10.0.0.2"],
    ["10.0.0.9", "10.0.0.9", "10.0.0.9"],
    ["10.0.0.5", "10.0.0.254", "10.0.0.8"],
    ["10.0.0.5", "10.0.0.7", undefined],
    ["10.0.0.5", "10.0.0.8", "10.0.0.8"],
    ["10.0.15.254", "10.0.16.9", "10.0.16.1"],
    ["255.255.255.254", "255.255.255.255", "255.255.255.254"],
    ["fd00::ffff:ffff", "fd00::1:0:0", "fd00::1:0:0"],
    ["ffff:ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff::"],
  ];
  for (
    const taken of [
      "10.0.0.5",
      "10.0.0.6",
      "10.0.0.7",
      "10.0.15.254",
      "10.0.15.255",
      "10.0.16.0",
      "fd00::ffff:ffff",
    ]
  ) map.mark(parseAddress(taken), "used");
  for (const [first, last, want] of cases) {
    const found = map.decide(findFree({ first: parseAddress(first), last: parseAddress(last) }));
    assertEquals(found && formatAddress(found), want, `${first} to ${last}`);
  }
});

Deno.test("findFree: skips resting addresses", () => {
  const map = new AddressMap();
  const first = parseAddress("10.0.0.1");
  map.mark(first, "resting");
  assertEquals(map.decide(readUse(first)), "resting");
  const found = map.decide(findFree({ first, last: addOffset(first, 9n) }));
  assertEquals(found && formatAddress(found), "10.0.0.2");
});

Deno.test("findFree: reads a handful of blocks behind 70,000 leases in a /8", () => {
  const map = new AddressMap();
  const first = parseAddress("10.0.0.0");
  for (let i = 0; i < 70_000; i++) {
    map.mark(addOffset(first, BigInt(i)), i % 2 ? "used" : "resting");
  }
  map.reads = 0;
  const found = map.decide(findFree({ first, last: parseAddress("10.255.255.254") }));
  assertEquals(found, addOffset(first, 70_000n));
  assertEquals(map.reads, 3);
});

Deno.test("findFree: climbs as many levels as are full", () => {
  const map = new AddressMap();
  const first = parseAddress("10.0.0.0");
  // All pages of 10.0.0.0/8 are full, and the summary of summaries says so.
  for (const level of [0, 1]) {
    map.put({ level, first }, freeBits({ level, first }).fill(~0));
  }
  map.put({ level: 2, first: parseAddress("0.0.0.0") }, bitsWith(10));
  const found = map.decide(
    findFree({ first: parseAddress("10.0.0.7"), last: parseAddress("11.255.255.255") }),
  );
  assertEquals(found && formatAddress(found), "11.0.0.0");
  assertEquals(map.reads, 5);
});

Deno.test("changeUse: leaves no block behind when nothing is taken", () => {
  const map = new AddressMap();
  const first = parseAddress("fd00:1::");
  const all = Array.from({ length: 4_096 }, (_, i) => addOffset(first, BigInt(i)));
  for (const address of all) map.mark(address, "used");
  assertEquals(map.names, ["0 fd00:1::", "1 fd00:1::"]);
  for (const address of all) map.mark(address, "free");
  assertEquals(map.names, []);
});

Deno.test("changeUse: changes the bits that it is given", () => {
  const address = parseAddress("10.0.0.9");
  const decision = changeUse(address, "resting");
  const bits = new Uint32Array(256);
  decision.next();
  const { value } = decision.next(bits);
  assertEquals(value, [{ block: pageOf(address), bits }]);
  assertEquals([useOf(bits, 9), bits.indexOf(1 << 9)], ["resting", 128]);
});

Deno.test("changeUse: repeats change nothing", () => {
  const map = new AddressMap();
  const address = parseAddress("10.0.0.9");
  for (const use of ["used", "used", "resting", "resting", "free", "free"] as const) {
    map.mark(address, use);
    assertEquals(map.decide(readUse(address)), use);
  }
  assertEquals(map.decide(changeUse(address, "free")).length, 1);
});

Deno.test("blocks: behave like a set of addresses, whatever is done", () => {
  const { seed, random } = seededRandom();
  for (const base of ["10.0.15.200", "fd00::fff:ffc0"]) {
    const first = parseAddress(base);
    const map = new AddressMap();
    const model = new Map<bigint, AddressUse>();
    for (let round = 0; round < 3_000; round++) {
      const use = (["free", "used", "used", "resting"] as const)[random(4)] ?? "free";
      const address = addOffset(first, BigInt(random(150)));
      map.mark(address, use);
      model.set(address.value, use);
      const from = addOffset(first, BigInt(random(150)));
      const last = addOffset(from, BigInt(random(100)));
      assertEquals(map.decide(readUse(from)), model.get(from.value) ?? "free", `seed ${seed}`);
      assertEquals(map.decide(findFree({ first: from, last })), modelFree(from, last, model));
    }
  }
});

Deno.test("blocks: behave like a set of addresses where pages are full but for a few", () => {
  const { seed, random } = seededRandom();
  const first = parseAddress("10.255.224.0");
  const count = 3 * 4_096;
  const map = new AddressMap();
  const model = new Map<bigint, AddressUse>();
  const mark = (offset: number, use: AddressUse) => {
    const address = addOffset(first, BigInt(offset));
    map.mark(address, use);
    model.set(address.value, use);
  };
  for (let offset = 0; offset < count; offset++) mark(offset, "used");
  for (let round = 0; round < 400; round++) {
    const isFreed = random(2) === 0;
    mark(random(count), isFreed ? "free" : "used");
    if (round % 50 === 0) { for (let i = 0; i < 4_096; i++) mark(4_096 + i, "used"); }
    const from = addOffset(first, BigInt(random(count)));
    const last = addOffset(from, BigInt(random(count)));
    assertEquals(
      map.decide(findFree({ first: from, last })),
      modelFree(from, last, model),
      `${seed}`,
    );
  }
});

Deno.test("changeUse: tells the level above when a block fills up, and when it is so no longer", () => {
  const map = new AddressMap();
  const first = parseAddress("10.0.0.0");
  // One child of the summary is missing: the page of 10.0.0.0.
  const summary = new Uint32Array(128).fill(~0);
  summary[0] = ~1;
  map.put({ level: 1, first }, summary);
  for (let i = 0; i < 4_096; i++) map.mark(addOffset(first, BigInt(i)), "used");
  assertEquals(map.names, ["0 10.0.0.0", "1 10.0.0.0", "2 0.0.0.0"]);
  map.mark(addOffset(first, 77n), "free");
  assertEquals(map.names, ["0 10.0.0.0", "1 10.0.0.0"]);
});

Deno.test("changeUse: a page with resting addresses is as full as one with used ones", () => {
  const map = new AddressMap();
  const first = parseAddress("10.0.0.0");
  const page = pageOf(first);
  map.put(page, freeBits(page).fill(~0, 0, 128));
  const cases: [number, AddressUse, number][] = [
    // Of the blocks, only the page changes: it is as full as before.
    [5, "used", 1],
    [5, "resting", 1],
    [5, "free", 2],
    [4_095, "free", 1],
    [5, "used", 1],
    [4_095, "resting", 2],
  ];
  for (const [index, use, changed] of cases) {
    const address = addOffset(first, BigInt(index));
    assertEquals(map.decide(changeUse(address, use)).length, changed, `${index} ${use}`);
  }
});

Deno.test("findFree: the first address of a page that is neither used nor resting", () => {
  const map = new AddressMap();
  const first = parseAddress("10.0.0.0");
  const last = addOffset(first, 9_999n);
  for (const index of [0n, 1n, 7n, 8n, 4_095n]) {
    map.mark(addOffset(first, index), index % 2n ? "used" : "resting");
  }
  const cases = [[0, 2], [2, 2], [7, 9], [9, 9], [31, 31], [4_094, 4_094], [4_095, 4_096]] as const;
  for (const [from, want] of cases) {
    const found = map.decide(findFree({ first: addOffset(first, BigInt(from)), last }));
    assertEquals(found, addOffset(first, BigInt(want)), `from ${from}`);
  }
});

function bitsWith(index: number): BlockBits {
  const bits = new Uint32Array(128);
  bits[index >> 5] = 1 << (index & 31);
  return bits;
}

function modelFree(
  from: Address,
  last: Address,
  model: ReadonlyMap<bigint, AddressUse>,
): Address | undefined {
  for (let value = from.value; value <= last.value; value++) {
    if ((model.get(value) ?? "free") === "free") return { family: from.family, value };
  }
  return undefined;
}
