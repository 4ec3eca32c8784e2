/**
 * The allocator in process, without a store. Two contenders do the same work, which is also that of
 * `bitmap.go`:
 *
 * - *pairs*: half of the addresses of a subnet are held. With each call the next free address behind
 *   the cursor is found, marked as used (with the summary above its page) and recorded under its
 *   owner; and another owner's address, any one, is looked up, marked as free and forgotten.
 * - *first free*: the first 99 % are taken; the search begins at the start.
 *
 * {@linkcode BitsWork} is the bits and the owners alone: addresses are offsets, as they are in Go.
 * {@linkcode DecisionWork} takes the decisions as ADD and DEL take them: any family, a strategy over
 * intervals, blocks asked for one by one; only what answers is a map instead of the store.
 */
import {
  BLOCK_CHILDREN,
  type BlockBits,
  findFree,
  freeBits,
  nextFree,
  setUse,
} from "../../lib/ipam/block.ts";
import { parseIpamConfig } from "../../lib/ipam/config.ts";
import { type Interval, usableIntervals } from "../../lib/ipam/interval.ts";
import { STRATEGIES } from "../../lib/ipam/strategy.ts";
import { addOffset, type Address, parseAddress } from "../../lib/net/address.ts";
import { AddressMap } from "../../tests/fakes/address_map.ts";

/** A contender for pairs. */
export interface PairWork {
  allocate(owner: string): void;
  release(owner: string): void;
}

/** A contender for first free. */
export interface SearchWork {
  /** Takes the first addresses, that many, without owners. */
  fill(count: number): void;
  /** Offset of the first free address from the start of the subnet. */
  firstFree(): number;
}

/** A call of *pairs*. */
export function pairsOf(work: PairWork, size: number): () => void {
  const held = Array.from({ length: size / 2 }, (_, at) => containerId(at));
  const idle = Array.from({ length: size / 2 }, (_, at) => containerId(2 ** 31 + at));
  for (const owner of held) work.allocate(owner);
  let state = 1;
  let next = 0;
  return () => {
    const owner = idle[next] ?? "";
    work.allocate(owner);
    // A linear congruential generator: Numerical Recipes, section 7.1.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const any = Math.floor(state / 2 ** 32 * held.length);
    const other = held[any] ?? "";
    work.release(other);
    held[any] = owner;
    idle[next] = other;
    next = (next + 1) % idle.length;
  };
}

/** A call of *first free*. */
export function firstFreeOf(work: SearchWork, size: number): () => void {
  const want = Math.floor(size * 99 / 100);
  work.fill(want);
  return () => {
    const found = work.firstFree();
    if (found !== want) throw new Error(`the first free offset is ${want}, not ${found}`);
  };
}

/** Nanoseconds of one call, by sample of so many calls; a quarter more warms up and is dropped. */
export function sampleCalls(call: () => void, samples: number, calls: number): number[] {
  const values: number[] = [];
  for (let at = -Math.floor(samples / 4); at < samples; at++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) call();
    if (at >= 0) values.push((performance.now() - start) * 1e6 / calls);
  }
  return values;
}

/** Pages and the summary above them, of one subnet of at most 2^24 addresses. */
export class BitsWork implements PairWork, SearchWork {
  readonly #pages: BlockBits[];
  readonly #summary = bitsOf(1);
  readonly #owners = new Map<string, number>();
  readonly #size: number;
  #cursor = 0;

  constructor(size: number) {
    this.#size = size;
    const pages = Math.ceil(size / BLOCK_CHILDREN);
    this.#pages = Array.from({ length: pages }, () => bitsOf(0));
    // Network, gateway, broadcast.
    for (const offset of [0, 1, size - 1]) this.#mark(offset, "used");
  }

  allocate(owner: string): void {
    let offset = this.#nextFree(this.#cursor + 1);
    if (offset >= this.#size) offset = this.#nextFree(0);
    if (offset >= this.#size) throw new Error("the subnet is full");
    this.#mark(offset, "used");
    this.#owners.set(owner, offset);
    this.#cursor = offset;
  }

  release(owner: string): void {
    const offset = this.#owners.get(owner);
    if (offset === undefined) throw new Error(`no address of ${owner}`);
    this.#owners.delete(owner);
    this.#mark(offset, "free");
  }

  fill(count: number): void {
    for (let offset = 0; offset < count; offset++) this.#mark(offset, "used");
  }

  firstFree(): number {
    return this.#nextFree(0);
  }

  /** The first free offset at or behind `from`; the size or more when there is none. */
  #nextFree(from: number): number {
    for (let page = pageOf(from);;) {
      const bits = this.#pages[page];
      if (!bits) return this.#size;
      const start = page * BLOCK_CHILDREN;
      const child = nextFree(bits, Math.max(from - start, 0));
      if (child < BLOCK_CHILDREN) return start + child;
      page = nextFree(this.#summary, page + 1);
    }
  }

  #mark(offset: number, use: "free" | "used"): void {
    const page = pageOf(offset);
    const bits = this.#pages[page];
    if (!bits) throw new RangeError(`no address has the offset ${offset}`);
    const told = setUse(bits, offset % BLOCK_CHILDREN, use);
    if (told) setUse(this.#summary, page, told);
  }
}

/** The map from owner to address alone: what of the work is neither search nor bits. */
export class OwnersWork implements PairWork {
  readonly #owners = new Map<string, number>();

  allocate(owner: string): void {
    this.#owners.set(owner, this.#owners.size);
  }

  release(owner: string): void {
    if (this.#owners.get(owner) === undefined) throw new Error(`no address of ${owner}`);
    this.#owners.delete(owner);
  }
}

/** The decisions of `lib/ipam` for the subnet `10.0.0.0/<32 - log2 of the size>`. */
export class DecisionWork implements PairWork, SearchWork {
  readonly #map = new AddressMap();
  readonly #usable: readonly Interval[];
  readonly #first = parseAddress("10.0.0.0");
  readonly #owners = new Map<string, Address>();
  #cursor: Address | undefined;

  constructor(size: number) {
    const ipam = { subnet: `10.0.0.0/${32 - Math.log2(size)}` };
    const config = parseIpamConfig({ network: "bench", ipam });
    this.#usable = config.rangeSets.flatMap((set) => usableIntervals(config, set));
  }

  allocate(owner: string): void {
    const address = this.#find(this.#cursor);
    this.#map.mark(address, "used");
    this.#owners.set(owner, address);
    this.#cursor = address;
  }

  release(owner: string): void {
    const address = this.#owners.get(owner);
    if (!address) throw new Error(`no address of ${owner}`);
    this.#owners.delete(owner);
    this.#map.mark(address, "free");
  }

  fill(count: number): void {
    for (let at = 0; at < count; at++) this.#map.mark(addOffset(this.#first, BigInt(at)), "used");
  }

  firstFree(): number {
    return Number(this.#find(undefined).value - this.#first.value);
  }

  #find(cursor: Address | undefined): Address {
    for (const interval of STRATEGIES.sequential(this.#usable, cursor, Math.random)) {
      const address = this.#map.decide(findFree(interval));
      if (address) return address;
    }
    throw new Error("the subnet is full");
  }
}

function pageOf(offset: number): number {
  return Math.trunc(offset / BLOCK_CHILDREN);
}

function bitsOf(level: number): BlockBits {
  return freeBits({ level, first: parseAddress("10.0.0.0") });
}

/** 64 hexadecimal digits, as container runtimes make them. */
function containerId(at: number): string {
  return at.toString(16).padStart(64, "0");
}
