/**
 * The decisions of `lib/ipam` as ADD and DEL take them: any family, a strategy over intervals, blocks
 * asked for one by one; only what answers is a map instead of the store. The work is that of
 * `bitmap.go`:
 *
 * - *pairs*: half of the addresses of a subnet are held. With each call the next free address behind
 *   the cursor is found, marked as used (with the summary above its page) and recorded under its
 *   owner; and another owner's address, any one, is looked up, marked as free and forgotten.
 * - *first free*: the first 99 % are taken; the search begins at the start.
 */
import { findFree } from "../../lib/ipam/block.ts";
import { parseIpamConfig } from "../../lib/ipam/config.ts";
import { type Interval, usableIntervals } from "../../lib/ipam/interval.ts";
import { STRATEGIES } from "../../lib/ipam/strategy.ts";
import { addOffset, type Address, parseAddress } from "../../lib/net/address.ts";
import { AddressMap } from "../../tests/fakes/address_map.ts";

/** A call of *pairs*, in a subnet of so many addresses. */
export function pairsOf(size: number): () => void {
  const work = new SubnetWork(size);
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

/** A call of *first free*, in a subnet of so many addresses. */
export function firstFreeOf(size: number): () => void {
  const work = new SubnetWork(size);
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

/** The subnet `10.0.0.0/<32 - log2 of the size>`, and who has which address of it. */
class SubnetWork {
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

  /** Takes the first addresses, that many, without owners. */
  fill(count: number): void {
    for (let at = 0; at < count; at++) this.#map.mark(addOffset(this.#first, BigInt(at)), "used");
  }

  /** Offset of the first free address from the start of the subnet. */
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

/** 64 hexadecimal digits, as container runtimes make them. */
function containerId(at: number): string {
  return at.toString(16).padStart(64, "0");
}
