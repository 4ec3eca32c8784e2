import { damage } from "./failure.ts";
import { COUNTER_PREFIX, counterKey } from "./keys.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** How often something happened since the store was made. */
export interface Counter {
  /** Such as `allocations`. */
  readonly metric: string;
  /** What tells the counters of a metric apart, such as network and pool. */
  readonly labels: readonly string[];
  readonly value: bigint;
}

/**
 * All counters, by metric and labels.
 * @throws StoreError `store-damaged` for one that is no number.
 */
export async function readCounters(reader: StoreReader): Promise<Counter[]> {
  const entries = await reader.list(COUNTER_PREFIX);
  return entries.map(({ key, value }) => {
    const [, metric = "", ...labels] = key.map(String);
    if (value instanceof Deno.KvU64) return { metric, labels, value: value.value };
    throw damage(`Cannot read the store: counter "${metric}" is no number`);
  });
}

/** Stages that a counter is higher by what was counted elsewhere. */
export async function restoreCounter(tx: StoreTransaction, counter: Counter): Promise<void> {
  const key = counterKey(counter.metric, ...counter.labels);
  const stored = await tx.get(key);
  const before = stored instanceof Deno.KvU64 ? stored.value : 0n;
  tx.set(key, new Deno.KvU64(BigInt.asUintN(64, before + counter.value)));
}
