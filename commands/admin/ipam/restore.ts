/** Leases and what belongs to them, written into a store. */
import { formatAttachment } from "../../../lib/attachment.ts";
import { batchesOf } from "../../../lib/batches.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { formatAddress } from "../../../lib/net/address.ts";
import { type Cursor, restoreCursor } from "../../../lib/store/cursors.ts";
import { networkKey } from "../../../lib/store/keys.ts";
import {
  type Lease,
  LEASES_PER_COMMIT,
  listLeases,
  restoreLease,
} from "../../../lib/store/leases.ts";
import { type NetworkRecord, stageNetwork } from "../../../lib/store/networks.ts";
import { type RestingAddress, restoreRest } from "../../../lib/store/resting.ts";
import { restoreSticky, type StickyAddresses } from "../../../lib/store/sticky.ts";
import type { Store } from "../../../lib/store/store.ts";
import type { StoreTransaction } from "../../../lib/store/transaction.ts";
import type { Report } from "./progress.ts";

/** What can be brought into a store. */
export interface Restorable {
  readonly leases: readonly Lease[];
  /** Written where the store has none. */
  readonly networks: readonly NetworkRecord[];
  /** Written where the store has none. */
  readonly cursors: readonly Cursor[];
  /** Written where the address is free. */
  readonly resting: readonly RestingAddress[];
  /** Written where the store has none of that pod. */
  readonly sticky: readonly StickyAddresses[];
}

/** How many leases are new in the store, and how many were in it already. */
export interface Restored {
  readonly imported: number;
  readonly present: number;
}

/**
 * Writes all leases, in batches; what is there already is left as it is, so that a run that was
 * interrupted can be repeated.
 * @param report is told how many are done.
 * @throws HeadcniError that names all conflicts; then nothing was written.
 */
export async function restore(
  store: Store,
  { leases, networks, cursors, resting, sticky }: Restorable,
  report: Report,
): Promise<Restored> {
  const known = await store.read((reader) => listLeases(reader));
  refuseConflicts(known, leases);
  let [imported, done] = [0, 0];
  for (const batch of commitsOf(leases)) {
    imported += await store.write((tx) => restoreBatch(tx, batch));
    done += batch.length;
    report(done, leases.length);
  }
  const others = [
    ...networks.map((one) => (tx: StoreTransaction) => restoreNetwork(tx, one)),
    ...cursors.map((one) => (tx: StoreTransaction) => restoreCursor(tx, one)),
    ...resting.map((one) => (tx: StoreTransaction) => restoreRest(tx, one)),
    ...sticky.map((one) => (tx: StoreTransaction) => restoreSticky(tx, one)),
  ];
  for (const batch of batchesOf(others, LEASES_PER_COMMIT)) {
    await store.write(async (tx) => {
      for (const stage of batch) await stage(tx);
    });
  }
  return { imported, present: leases.length - imported };
}

/** Leases that are written at once: those of more addresses than one of each family by themselves. */
function commitsOf(leases: readonly Lease[]): (readonly Lease[])[] {
  const isLarge = ({ addresses }: Lease) => addresses.length > 2;
  const small = leases.filter((lease) => !isLarge(lease));
  return [
    ...leases.filter(isLarge).map((lease) => [lease]),
    ...batchesOf(small, LEASES_PER_COMMIT),
  ];
}

/** Answers how many are new. */
async function restoreBatch(tx: StoreTransaction, leases: readonly Lease[]): Promise<number> {
  let imported = 0;
  for (const lease of leases) if (await restoreLease(tx, lease) === "new") imported += 1;
  return imported;
}

async function restoreNetwork(tx: StoreTransaction, record: NetworkRecord): Promise<void> {
  const stored = await tx.get(networkKey(record.network));
  if (stored === undefined) stageNetwork(tx, record, stored);
}

/**
 * How many leases {@linkcode restore} would write.
 * @throws HeadcniError that names all conflicts.
 */
export async function previewRestore(
  store: Store,
  { leases }: Pick<Restorable, "leases">,
): Promise<Restored> {
  const known = await store.read((reader) => listLeases(reader));
  refuseConflicts(known, leases);
  const names = new Set(known.map(({ key }) => formatAttachment(key)));
  const present = leases.filter(({ key }) => names.has(formatAttachment(key))).length;
  return { imported: leases.length - present, present };
}

function refuseConflicts(known: readonly Lease[], leases: readonly Lease[]): void {
  const owners = new Map<string, string>();
  const addressesOf = new Map<string, string>();
  const conflicts: string[] = [];
  for (const lease of [...known, ...leases]) {
    const name = formatAttachment(lease.key);
    const addresses = lease.addresses.map(({ address }) => formatAddress(address.address));
    const before = addressesOf.get(name);
    if (before !== undefined && before !== addresses.toSorted().join()) {
      conflicts.push(`"${name}" has ${before} already, not ${addresses.join()}`);
    }
    addressesOf.set(name, addresses.toSorted().join());
    for (const address of addresses) {
      const place = `${lease.key.network} ${address}`;
      const owner = owners.get(place) ?? name;
      if (owner !== name) conflicts.push(`${address} belongs to "${owner}", not to "${name}"`);
      owners.set(place, owner);
    }
  }
  if (conflicts.length === 0) return;
  throw new HeadcniError(
    "address-unavailable",
    `Cannot import: ${conflicts.join("; ")}`,
    { details: "Nothing was imported. headcni ipam show ADDRESS tells more of each" },
  );
}
