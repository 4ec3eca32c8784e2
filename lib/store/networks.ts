/** What networks were last configured with: for those who have no configuration at hand. */
import * as v from "valibot";
import { NETWORK_PREFIX, networkKey } from "./keys.ts";
import { parseRecord } from "./record.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** A network that addresses were given in. */
export interface NetworkRecord {
  readonly network: string;
  /** The `ipam` section, for `parsePools`. */
  readonly ipam: unknown;
}

/** Most characters of a section: a value of the KV has 64 KiB, a character up to 2 bytes. */
const MAX_CHARACTERS = 30_000;

const StoredSection = v.pipe(v.string(), v.parseJson());

/** The networks of the store, by name. */
export async function listNetworks(reader: StoreReader): Promise<NetworkRecord[]> {
  const entries = await reader.list(NETWORK_PREFIX);
  return entries.map(({ key, value }) => {
    const network = String(key[1]);
    return { network, ipam: parseRecord(StoredSection, value, `ipam of network "${network}"`) };
  });
}

/**
 * Stages the section of a network when it is not what is stored. One that is too long to be kept is
 * not, and no other in its place.
 * @param stored the value at `networkKey`.
 */
export function stageNetwork(
  tx: StoreTransaction,
  { network, ipam }: NetworkRecord,
  stored: unknown,
): void {
  const text = JSON.stringify(ipam);
  const kept = text.length <= MAX_CHARACTERS ? text : undefined;
  if (kept === stored) return;
  if (kept === undefined) tx.delete(networkKey(network));
  else tx.set(networkKey(network), kept);
}
