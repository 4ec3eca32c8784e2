/**
 * A process that has a store until it is killed, for `store_kill_test.ts`.
 * Arguments: what to do, store directory, run directory, container id.
 */
import { parseIpamConfig } from "../../lib/ipam/config.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { type Lease, reserveLease } from "../../lib/store/leases.ts";
import { openStore, type Store } from "../../lib/store/store.ts";
import type { StoreTransaction } from "../../lib/store/transaction.ts";
import { keyOf } from "../fakes/lease.ts";

const IPAM = { ranges: [[{ subnet: "10.0.0.0/16" }], [{ subnet: "fd00::/64" }]] };
const CONFIG = parseIpamConfig({ network: "pods", ipam: IPAM });
const MOMENT = { bootId: "boot-1", uptimeMs: 1_000 };

const [action = "", directory = "", runDirectory = "", containerId = ""] = Deno.args;

const ACTIONS: Readonly<Record<string, (store: Store) => Promise<void>>> = {
  /** Stops between the two transactions of an ADD. */
  async "add-half"(store) {
    say(addressesOf(await store.write((tx) => reserve(tx, containerId))));
    await forever();
  },
  /** Stops with the lock held and nothing committed. */
  async "hold-lock"(store) {
    await store.write(async (tx) => {
      say(addressesOf(await reserve(tx, containerId)));
      await forever();
    });
  },
  /** Reserves until it is killed. */
  async "add-many"(store) {
    for (let i = 0;; i++) {
      const lease = await store.write((tx) => reserve(tx, `${containerId}-${i}`));
      say(addressesOf(lease));
    }
  },
};

{
  await using store = await openStore({ directory, runDirectory });
  await ACTIONS[action]?.(store);
}
Deno.exit(0);

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
