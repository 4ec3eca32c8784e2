/**
 * A process that works on a store, for `store_kill_test.ts` and `store_lock_test.ts`.
 * Arguments: what to do, store directory, run directory, container id.
 */
import { parseIpamConfig } from "../../lib/ipam/config.ts";
import { StoreError } from "../../lib/errors.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { type Lease, reserveLease } from "../../lib/store/leases.ts";
import { lockPath } from "../../lib/store/lock.ts";
import { openStore, type Store } from "../../lib/store/store.ts";
import type { StoreTransaction } from "../../lib/store/transaction.ts";
import { keyOf } from "../fakes/lease.ts";

const IPAM = { ranges: [[{ subnet: "10.0.0.0/16" }], [{ subnet: "fd00::/64" }]] };
const CONFIG = parseIpamConfig({ network: "pods", ipam: IPAM });
/** How often "add-anew" does so. */
const ROUNDS = 40;
const MOMENT = { bootId: "boot-1", uptimeMs: 1_000 };

const [action = "", directory = "", runDirectory = "", containerId = ""] = Deno.args;

const ACTIONS: Readonly<Record<string, () => Promise<void>>> = {
  /** Stops between the two transactions of an ADD. */
  async "add-half"() {
    await using store = await open();
    say(addressesOf(await store.write((tx) => reserve(tx, containerId))));
    await forever();
  },
  /** Stops with the lock held and nothing committed. */
  async "hold-lock"() {
    await using store = await open();
    await store.write(async (tx) => {
      say(addressesOf(await reserve(tx, containerId)));
      await forever();
    });
  },
  /** Reserves until it is killed. */
  async "add-many"() {
    await using store = await open();
    for (let i = 0;; i++) {
      const lease = await store.write((tx) => reserve(tx, `${containerId}-${i}`));
      say(addressesOf(lease));
    }
  },
  /** Opens the store for each lease, and deletes the file of the lock while it has it. */
  async "add-anew"() {
    for (let i = 0; i < ROUNDS; i++) {
      try {
        await using store = await open();
        const lease = await store.write((tx) => {
          removeIfAny(lockPath(runDirectory, store.directory));
          return reserve(tx, `${containerId}-${i}`);
        });
        say(addressesOf(lease));
      } catch (error) {
        if (!(error instanceof StoreError && error.reason === "try-again")) throw error;
      }
    }
  },
};

await ACTIONS[action]?.();
Deno.exit(0);

function open(): Promise<Store> {
  return openStore({ directory, runDirectory });
}

function removeIfAny(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function reserve(tx: StoreTransaction, id: string): Promise<Lease> {
  return reserveLease(tx, {
    key: keyOf(id),
    pod: {},
    netns: `/run/netns/${id}`,
    ...MOMENT,
    hostNetns: "net:[1]",
    nowMs: Date.now(),
    random: Math.random,
    config: CONFIG,
    ipam: IPAM,
  });
}

function addressesOf(lease: Lease): string {
  return lease.addresses.map(({ address }) => formatAddress(address.address)).join(" ");
}

/** One line, written before the call returns. */
function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Until the test closes standard input, which it never does: it kills. */
async function forever(): Promise<void> {
  await Deno.stdin.read(new Uint8Array(1));
}
