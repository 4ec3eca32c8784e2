import {
  type AddressUse,
  type Block,
  type BlockBits,
  type BlockReads,
  changeUse,
} from "../../lib/ipam/block.ts";
import { type Address, formatAddress } from "../../lib/net/address.ts";

/** Blocks of one pool in memory: runs the decisions of `lib/ipam` without a store. */
export class AddressMap {
  readonly #blocks = new Map<string, BlockBits>();
  /** How many blocks were read so far. */
  reads = 0;

  /** Names of the blocks that are stored. */
  get names(): string[] {
    return Array.from(this.#blocks.keys()).sort();
  }

  /** Answers what a decision asks, and what it decided. */
  decide<T>(decision: BlockReads<T>): T {
    let step = decision.next();
    while (!step.done) {
      this.reads += 1;
      step = decision.next(this.#blocks.get(nameOf(step.value)));
    }
    return step.value;
  }

  /** Marks an address. */
  mark(address: Address, use: AddressUse): void {
    for (const { block, bits } of this.decide(changeUse(address, use))) {
      if (bits) this.put(block, bits);
      else this.#blocks.delete(nameOf(block));
    }
  }

  /** Stores a block as it is, without what belongs below and above it. */
  put(block: Block, bits: BlockBits): void {
    this.#blocks.set(nameOf(block), bits);
  }
}

function nameOf({ level, first }: Block): string {
  return `${level} ${formatAddress(first)}`;
}
