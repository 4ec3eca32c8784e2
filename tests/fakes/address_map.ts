import {
  type AddressUse,
  answerReads,
  type Block,
  type BlockBits,
  type BlockReads,
  changeUse,
} from "../../lib/ipam/block.ts";
import type { StoredPage } from "../../lib/ipam/usage.ts";
import { type Address, FAMILIES, type Family, formatAddress } from "../../lib/net/address.ts";

/** Blocks of one level by the number of their first address. */
type Level = Map<bigint, BlockBits>;

/** A block and its bits. */
interface StoredBlock {
  readonly block: Block;
  readonly bits: BlockBits;
}

/** Blocks of one network in memory: runs the decisions of `lib/ipam` without a store. */
export class AddressMap {
  readonly #levels: Readonly<Record<Family, Level[]>> = { 4: [], 6: [] };
  /** How many blocks were read so far. */
  reads = 0;

  /** The blocks that are stored. */
  get stored(): StoredBlock[] {
    return FAMILIES.flatMap((family) =>
      this.#levels[family].flatMap((blocks, level) =>
        Array.from(
          blocks,
          ([value, bits]) => ({ block: { level, first: { family, value } }, bits }),
        )
      )
    );
  }

  /** Their names. */
  get names(): string[] {
    return this.stored.map(({ block }) => `${block.level} ${formatAddress(block.first)}`).sort();
  }

  /** The pages among them. */
  get pages(): StoredPage[] {
    return this.stored.filter(({ block }) => block.level === 0)
      .map(({ block, bits }) => ({ first: block.first, bits }));
  }

  /** Answers what a decision asks, and what it decided. */
  decide<T>(decision: BlockReads<T>): T {
    return answerReads(decision, ({ level, first }) => {
      this.reads += 1;
      return this.#levels[first.family][level]?.get(first.value);
    });
  }

  /** Marks an address. */
  mark(address: Address, use: AddressUse): void {
    for (const { block, bits } of this.decide(changeUse(address, use))) {
      if (bits) this.put(block, bits);
      else this.#levels[block.first.family][block.level]?.delete(block.first.value);
    }
  }

  /** Stores a block as it is, without what belongs below and above it. */
  put({ level, first }: Block, bits: BlockBits): void {
    const levels = this.#levels[first.family];
    (levels[level] ??= new Map()).set(first.value, bits);
  }
}
