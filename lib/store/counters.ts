import { COUNTER_PREFIX } from "./keys.ts";
import type { StoreReader } from "./transaction.ts";

/** How often something happened since the store was made. */
export interface Counter {
  /** Such as `allocations`. */
  readonly metric: string;
  /** What tells the counters of a metric apart, such as network and pool. */
  readonly labels: readonly string[];
  readonly value: bigint;
}

/** All counters, by metric and labels. */
export async function readCounters(reader: StoreReader): Promise<Counter[]> {
  const entries = await reader.list(COUNTER_PREFIX);
  return entries.flatMap(({ key, value }) => {
    const [, metric = "", ...labels] = key.map(String);
    return value instanceof Deno.KvU64 ? [{ metric, labels, value: value.value }] : [];
  });
}
