/** The stores of the node: sound, with space, and without what dead pods left. */
import { type Check, checksOf } from "./check.ts";
import { fail, failOn, type Finding, pass, skip, tellAll, warn, warnOn } from "./finding.ts";
import type { LeasesSight, StoreSight } from "./sight.ts";

const DAMAGED = "the-store-is-damaged";
const AFTER = "after-a-reboot-a-crash-a-full-disk";
const NONE_FREE = "no-address-is-free";

/** Why ranges run dry, and ADD or DEL fails. */
export const STORE_CHECKS: readonly Check[] = [
  ...checksOf("store", "stores", [
    ["store", "records of the store", DAMAGED, judgeRecords, "store"],
    ["store-space", "space for the store", AFTER, judgeSpace],
    ["ballast", "space kept for DEL", AFTER, judgeBallast, "store"],
    ["spool", "nothing waits to be written", AFTER, judgeSpool, "store"],
  ]),
  ...checksOf("store", "leases", [
    ["leases", "no lease of a dead pod", NONE_FREE, judgeDead, "leases"],
    ["leases-boot", "no lease of an earlier boot", AFTER, judgeBoots, "leases"],
    ["pool", "free addresses", NONE_FREE, judgePools],
  ]),
];

function judgeRecords(stores: readonly StoreSight[]): Finding {
  if (stores.length === 0) return NO_STORE;
  const faults = stores.flatMap(({ directory, faults }) =>
    faults.map((fault) => `${directory}: ${fault}`)
  );
  if (faults.length > 0) {
    return fail(
      tellAll(faults),
      "headcni doctor --fix, or the next ADD or DEL, makes it anew from its witnesses",
    );
  }
  const troubles = stores.map(({ trouble }) => trouble).filter((trouble) => trouble !== "");
  return troubles.length > 0
    ? fail(tellAll(troubles), "mend the file system, or see who holds the lock: fuser -v <lock>")
    : pass(`sound: ${stores.map(({ directory }) => directory).join(", ")}`);
}

/** As much as some ten commits take, and what a store of 60,000 leases has. */
const MIN_FREE_BYTES = 1024 * 1024;
const LOW_FREE_BYTES = 64 * 1024 * 1024;
const MIN_FREE_INODES = 16;

function judgeSpace(stores: readonly StoreSight[]): Finding {
  if (stores.length === 0) return NO_STORE;
  const bad = stores.filter(({ space }) =>
    space.freeBytes < MIN_FREE_BYTES ||
    space.totalInodes > 0 && space.freeInodes < MIN_FREE_INODES
  );
  const fix = "free space on that file system: ADD fails, and DEL lives on the space kept for it";
  if (bad.length > 0) return failOn(bad.map(tellSpace), fix, "");
  const low = stores.filter(({ space }) => space.freeBytes < LOW_FREE_BYTES);
  return warnOn(low.map(tellSpace), fix, tellAll(stores.map(tellSpace)));
}

function tellSpace({ directory, space }: StoreSight): string {
  const { freeBytes, freeInodes, totalInodes } = space;
  const inodes = totalInodes > 0 ? `, ${freeInodes} inodes` : "";
  return `${directory}: ${Math.floor(freeBytes / MIN_FREE_BYTES)} MiB free${inodes}`;
}

function judgeBallast(stores: readonly StoreSight[]): Finding {
  if (stores.length === 0) return NO_STORE;
  const without = stores.filter(({ hasBallast }) => !hasBallast);
  return warnOn(
    without.map(({ directory }) => `${directory}/ballast is missing: it was given up for a DEL`),
    "free space; the next ADD makes it again, or: headcni doctor --fix",
    "ballast is there",
  );
}

function judgeSpool(stores: readonly StoreSight[]): Finding {
  if (stores.length === 0) return NO_STORE;
  const waiting = stores.filter(({ spoolBytes }) => spoolBytes > 0);
  return warnOn(
    waiting.map(({ directory, spoolBytes }) =>
      `${spoolBytes} bytes wait for ${directory}: it could not be written`
    ),
    "free space; the next ADD or DEL writes it, or: headcni doctor --fix",
    "nothing waits",
  );
}

function judgeDead({ dead, leases }: LeasesSight): Finding {
  return warnOn(
    dead.map(({ address, proofs }) => `${address}: ${proofs.join(", ")}`),
    "headcni ipam gc; the daemon does it every ipam.gcInterval",
    `leases: ${leases}, none of a dead pod`,
  );
}

function judgeBoots({ ofOtherBoots }: LeasesSight): Finding {
  return warnOn(
    ofOtherBoots.map((address) => `${address} is of an earlier boot`),
    "headcni ipam gc; the next ADD does it, too",
    "all are of this boot",
  );
}

/** Of this share of the addresses and more, pods may soon get none. */
const NEARLY_FULL = 0.9;

function judgePools({ networks }: LeasesSight): Finding {
  const known = networks.flatMap(({ capacity, ...rest }) =>
    capacity === undefined || capacity === 0 ? [] : [{ ...rest, capacity }]
  );
  const told = known.map(({ network, leases, capacity }) =>
    `${network}: ${leases} of ${capacity} addresses are given`
  );
  const fix = "headcni ipam stats; headcni ipam gc; or give the node a larger network";
  if (known.some(({ leases, capacity }) => leases >= capacity)) return fail(tellAll(told), fix);
  if (known.some(({ leases, capacity }) => leases >= capacity * NEARLY_FULL)) {
    return warn(tellAll(told), fix);
  }
  return known.length > 0 ? pass(tellAll(told)) : skip("no pod was given an address yet");
}

const NO_STORE = skip("there is no store: nothing was ever attached");
