/** What can still be read of a damaged store, entry by entry: one that cannot costs only itself. */
import * as v from "valibot";
import { type AttachmentKey, byAttachment, formatAttachment } from "../attachment.ts";
import { type Attachment, listAttachments, putAttachment } from "./attachments.ts";
import { type Counter, readCounters, restoreCounter } from "./counters.ts";
import { type Cursor, listCursors, restoreCursor } from "./cursors.ts";
import { isDamage } from "./failure.ts";
import {
  ADDRESS_PREFIX,
  attachmentOfKey,
  COUNTER_PREFIX,
  CURSOR_PREFIX,
  leasePrefix,
  NETWORK_PREFIX,
  PORT_PREFIX,
  recordPrefix,
  restingPrefix,
  stickyPrefix,
} from "./keys.ts";
import { type Lease, listLeases } from "./leases.ts";
import { listNetworks, type NetworkRecord, stageNetwork } from "./networks.ts";
import { listPorts, type OwnedPort } from "./ports.ts";
import { byOwner, restorePorts } from "./restore_ports.ts";
import { storedKey } from "./record.ts";
import { listResting, type RestingAddress, restoreRest } from "./resting.ts";
import { listSticky, restoreSticky, type StickyAddresses } from "./sticky.ts";
import type { StoreEntry, StoreReader, StoreTransaction } from "./transaction.ts";

/** What a damaged store still tells. */
export interface Salvage {
  readonly leases: readonly Lease[];
  readonly others: OtherRecords;
  /** Attachments that had a lease which cannot be read. */
  readonly lost: readonly AttachmentKey[];
}

/** What a store tells beside its leases and what follows from them. */
export interface OtherRecords {
  readonly attachments: readonly Attachment[];
  readonly networks: readonly NetworkRecord[];
  readonly cursors: readonly Cursor[];
  readonly resting: readonly RestingAddress[];
  readonly sticky: readonly StickyAddresses[];
  readonly ports: readonly OwnedPort[];
  readonly counters: readonly Counter[];
}

/** Where nobody tells of anything. */
export const NO_OTHERS: OtherRecords = {
  ...{ attachments: [], networks: [], cursors: [], resting: [], sticky: [], ports: [] },
  counters: [],
};

/** Where that lies, each by the one text of its prefix; owners of addresses name leases. */
export const SALVAGED: readonly string[] = [
  ...[leasePrefix(), recordPrefix(), NETWORK_PREFIX, CURSOR_PREFIX, restingPrefix()],
  ...[stickyPrefix(), PORT_PREFIX, COUNTER_PREFIX, ADDRESS_PREFIX],
].map(String);

/** Bytes in hexadecimal digits. */
const TaggedBytes = v.strictObject({ $bytes: v.pipe(v.string(), v.hexadecimal()) });
/** A `Deno.KvU64` in decimal digits. */
const TaggedCount = v.strictObject({ $count: v.pipe(v.string(), v.digits()) });

const Entry = v.object({
  key: v.array(v.union([v.string(), v.number(), v.instance(Uint8Array)])),
  value: v.unknown(),
});

/** An entry as one line of text; its value is null when nobody can read it. */
export function formatEntry({ key, value }: StoreEntry): string {
  try {
    return JSON.stringify({ key, value }, replacePart);
  } catch {
    // Noise may look like a value that JSON has no place for: nobody can make sense of it.
    return JSON.stringify({ key, value: null }, replacePart);
  }
}

function replacePart(_: string, part: unknown): unknown {
  if (part instanceof Uint8Array) return { $bytes: part.toHex() };
  if (part instanceof Deno.KvU64) return { $count: String(part.value) };
  return typeof part === "bigint" ? null : part;
}

/** Reads lines of {@linkcode formatEntry}; those that make no sense are left out. */
export async function parseSalvage(lines: readonly string[]): Promise<Salvage> {
  const entries = lines.flatMap(parseEntry);
  const leases = await readEach(entries, listLeases);
  const kept = byAttachment(leases);
  const named = byAttachment(entries.flatMap(nameHolder).map((key) => ({ key })));
  return {
    leases,
    others: {
      attachments: await readEach(entries, listAttachments),
      networks: await readEach(entries, listNetworks),
      cursors: await readEach(entries, listCursors),
      resting: await readEach(entries, listResting),
      sticky: await readEach(entries, listSticky),
      ports: await readEach(entries, listPorts),
      counters: await readEach(entries, readCounters),
    },
    lost: Array.from(named.values(), ({ key }) => key)
      .filter((key) => !kept.has(formatAttachment(key))),
  };
}

/**
 * What puts the records into a store that has its leases already: one step each, for transactions of
 * any size.
 */
export function stepsToRestore(
  { attachments, networks, cursors, resting, sticky, ports, counters }: OtherRecords,
): ((tx: StoreTransaction) => unknown)[] {
  type Tx = StoreTransaction;
  return [
    ...attachments.map((one) => (tx: Tx) => putAttachment(tx, one)),
    ...networks.map((one) => (tx: Tx) => stageNetwork(tx, one, undefined)),
    ...cursors.map((one) => (tx: Tx) => restoreCursor(tx, one)),
    ...resting.map((one) => (tx: Tx) => restoreRest(tx, one)),
    ...sticky.map((one) => (tx: Tx) => restoreSticky(tx, one)),
    ...byOwner(ports).map((one) => (tx: Tx) => restorePorts(tx, one)),
    ...counters.map((one) => (tx: Tx) => restoreCounter(tx, one)),
  ];
}

function parseEntry(line: string): StoreEntry[] {
  try {
    return [v.parse(Entry, JSON.parse(line, (_, part) => untag(part)))];
  } catch {
    return [];
  }
}

function untag(part: unknown): unknown {
  if (v.is(TaggedBytes, part)) return Uint8Array.fromHex(part.$bytes);
  return v.is(TaggedCount, part) ? new Deno.KvU64(BigInt(part.$count)) : part;
}

/** What `list` finds in the entries, each looked at as if it were the only one. */
async function readEach<T>(
  entries: readonly StoreEntry[],
  list: (reader: StoreReader) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (const entry of entries) {
    try {
      found.push(...await list(readerOf(entry)));
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return found;
}

/** A store that has one entry. */
function readerOf(entry: StoreEntry): StoreReader {
  return {
    get: () => Promise.resolve(undefined),
    getMany: (keys) => Promise.resolve(keys.map(() => undefined)),
    list: ([kind]) => Promise.resolve(entry.key[0] === kind ? [entry] : []),
  };
}

/** Who has a lease, as its key and the owners of its addresses tell. */
function nameHolder({ key, value }: StoreEntry): AttachmentKey[] {
  if (key[0] === leasePrefix()[0]) return [attachmentOfKey(key)];
  return key[0] === ADDRESS_PREFIX[0] && v.is(storedKey, value) ? [value] : [];
}
