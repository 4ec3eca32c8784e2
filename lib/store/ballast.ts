/**
 * Space that a store keeps for bad times: on a full disk not even a release can be committed. The
 * ballast is then thrown off, and made again when there is space.
 */
import { log } from "../log.ts";
import { isFull } from "./failure.ts";

/** Enough for the log of some ten commits: a release changes about 15 pages of 4 KiB. */
const BALLAST_BYTES = 256 * 1024;
const FILE_NAME = "ballast";
/** Most bytes that `getRandomValues` makes at once: Web Cryptography, section 10.1.1. */
const MAX_RANDOM_BYTES = 65_536;

/** The ballast of one store. */
export class Ballast {
  readonly #path: string;
  readonly #mayThrowOff: boolean;
  #isThrownOff = false;

  /** @param mayThrowOff true for what frees something: an ADD must not use the ballast up. */
  constructor(storeDirectory: string, mayThrowOff: boolean) {
    this.#path = `${storeDirectory}/${FILE_NAME}`;
    this.#mayThrowOff = mayThrowOff;
  }

  /** Makes the ballast where it is missing; without space for it there is none. */
  restore(): void {
    if (sizeOf(this.#path) === BALLAST_BYTES) return;
    try {
      writeNoise(this.#path);
    } catch (error) {
      log.debug(`Cannot keep space for the store in "${this.#path}"`, { error });
      this.#remove();
    }
  }

  /** Runs `fn`, and once more without the ballast when there was no space for it. */
  async relieve<T>(fn: () => Promise<T>): Promise<T> {
    try {
      return await fn();
    } catch (error) {
      if (!isFull(error) || !this.#mayThrowOff || !this.#remove()) throw error;
      this.#isThrownOff = true;
      log.warn(`Gave up "${this.#path}": the file system of the store is full`, { error });
      return await fn();
    }
  }

  /** Whether the ballast went since this was asked last. */
  takeEvent(): boolean {
    const isThrownOff = this.#isThrownOff;
    this.#isThrownOff = false;
    return isThrownOff;
  }

  /** False when there was none. */
  #remove(): boolean {
    try {
      Deno.removeSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

/** A file system that compresses or shares blocks keeps no space for zeros. */
function writeNoise(path: string): void {
  using file = Deno.openSync(path, { create: true, write: true, truncate: true, mode: 0o600 });
  const noise = new Uint8Array(MAX_RANDOM_BYTES);
  for (let written = 0; written < BALLAST_BYTES;) {
    written += file.writeSync(crypto.getRandomValues(noise).subarray(0, BALLAST_BYTES - written));
  }
}
