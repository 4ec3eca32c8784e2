/**
 * Which ports may be taken, a bit each, so that a claim need not look at what every attachment has.
 * A bit that is set may be wrong, and then costs only that look; one that is not set never is.
 */
import * as v from "valibot";
import type { HostPort } from "../net/host_port.ts";
import { takenKey } from "./keys.ts";
import { parseRecord } from "./record.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/**
 * Ports of one value. Three protocols and two families have 24 values: a commit may touch all of
 * them, and the attachments that it forgets, before it comes to 100 checks.
 */
const PORTS_PER_BLOCK = 16_384;
const BLOCK_BYTES = PORTS_PER_BLOCK / 8;

/** The bits of one value, and the ports that are in it. */
interface Block {
  readonly key: Deno.KvKey;
  readonly bits: Uint8Array;
  readonly ports: readonly HostPort[];
}

const storedBits = v.optional(
  v.pipe(v.instance(Uint8Array), v.length(BLOCK_BYTES, `${BLOCK_BYTES} bytes wanted`)),
  () => new Uint8Array(BLOCK_BYTES),
);

/** Those of the ports that somebody may have, in whatever order. */
export async function findPerhapsTaken(
  reader: StoreReader,
  ports: readonly HostPort[],
): Promise<HostPort[]> {
  const blocks = await readBlocks(reader, ports);
  return blocks.flatMap(({ bits, ports }) =>
    ports.filter((port) => {
      const { byte, mask } = placeOf(port);
      return ((bits[byte] ?? 0) & mask) !== 0;
    })
  );
}

/**
 * Stages that ports are taken, or free. Each value is written, changed or not: of two who claim a port
 * at once without our lock, the commit of the second fails.
 */
export async function stageTaken(
  tx: StoreTransaction,
  ports: readonly HostPort[],
  use: "taken" | "free",
): Promise<void> {
  for (const { key, bits, ports: here } of await readBlocks(tx, ports)) {
    const changed = bits.slice();
    for (const { byte, mask } of here.map(placeOf)) {
      const before = changed[byte] ?? 0;
      changed[byte] = use === "taken" ? before | mask : before & ~mask;
    }
    tx.set(key, changed);
  }
}

async function readBlocks(
  reader: StoreReader,
  ports: readonly HostPort[],
): Promise<Block[]> {
  const keys = new Map(ports.map(keyOf).map((key) => [String(key), key]));
  const values = await reader.getMany([...keys.values()]);
  const inBlock = Map.groupBy(ports, (port) => String(keyOf(port)));
  return Array.from(keys, ([name, key], i) => ({
    key,
    bits: parseRecord(storedBits, values[i], `host ports "${name}"`),
    ports: inBlock.get(name) ?? [],
  }));
}

function keyOf({ protocol, target, hostPort }: HostPort): Deno.KvKey {
  return takenKey(protocol, target.family, Math.floor(hostPort / PORTS_PER_BLOCK));
}

function placeOf({ hostPort }: HostPort): { byte: number; mask: number } {
  const bit = hostPort % PORTS_PER_BLOCK;
  return { byte: bit >> 3, mask: 1 << (bit & 7) };
}
