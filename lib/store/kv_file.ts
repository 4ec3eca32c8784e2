/** The KV of a store as a file, and what is read of it before it is used. */
import * as v from "valibot";
import { damage, storeFailure } from "./failure.ts";
import { BOOT_KEY, SCHEMA_KEY } from "./keys.ts";
import { parseRecord } from "./record.ts";
import { type StoreTransaction, Transaction } from "./transaction.ts";

/** What is read of a store first. */
export interface Head {
  /** False when a newer release wrote the store in a way that this one cannot read. */
  readonly isReadable: boolean;
  /** Value of {@linkcode BOOT_KEY}. */
  readonly clearedBootId: string | undefined;
}

/** The format that this release writes, and the oldest release format that can read it. */
const SCHEMA = { version: 1, readableFrom: 1 } as const;

const StoredSchema = v.object({ version: v.number(), readableFrom: v.number() });

/**
 * Opens a KV that is there.
 * @param open `Deno.openKv`, for those who loaded it before.
 * @throws StoreError: `store-damaged` when it is none, `store-failure` otherwise.
 */
export async function openKv(
  path: string,
  open: typeof Deno.openKv = Deno.openKv,
): Promise<Deno.Kv> {
  try {
    return await open(path);
  } catch (cause) {
    throw storeFailure("open", path, cause);
  }
}

/**
 * Makes an empty KV, for its owner alone.
 * @throws StoreError `store-failure`.
 */
export async function makeKv(path: string): Promise<Deno.Kv> {
  try {
    // The KV gives its own files the mode of this one.
    Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
  } catch (cause) {
    throw storeFailure("make", path, cause);
  }
  return await openKv(path);
}

/** Marks a new store as of this release. */
export function stageSchema(tx: StoreTransaction): void {
  tx.set(SCHEMA_KEY, SCHEMA);
}

/**
 * Reads what tells whether this release can use the store.
 * @throws StoreError `store-damaged` when the KV is no store: a new one is made under another name.
 */
export async function readHead(kv: Deno.Kv, path: string): Promise<Head> {
  const [stored, boot] = await new Transaction(kv, path).getMany([SCHEMA_KEY, BOOT_KEY]);
  if (stored === undefined) throw damage(`Cannot use the store "${path}": it holds no schema`);
  const { readableFrom } = parseRecord(StoredSchema, stored, `schema of "${path}"`);
  return {
    isReadable: readableFrom <= SCHEMA.version,
    clearedBootId: typeof boot === "string" ? boot : undefined,
  };
}
