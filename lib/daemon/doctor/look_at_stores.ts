/** Looks at the stores of the node. */
import { collectDead, DEFAULT_GRACE_MS } from "../../attach/collect_dead.ts";
import { listStoreFaults } from "../../delegate/examine.ts";
import type { LeasesSight, StoreSight } from "../../doctor/sight.ts";
import { errorText, StoreError } from "../../errors.ts";
import { formatPrefix } from "../../net/prefix.ts";
import type { Lease } from "../../store/leases.ts";
import { inodeOf, kvPath, realPath } from "../../store/place.ts";
import { spoolPath } from "../../store/spool.ts";
import { locateStore } from "../../store/store.ts";
import { readNetworks } from "../store_use.ts";
import { listStores } from "../stores.ts";
import type { DoctorOptions, Scene } from "./scene.ts";

/** How long the lock of a store is waited for, in milliseconds. */
const LOCK_TIMEOUT_MS = 2_000;
/** Name of the file that keeps space: lib/store/ballast.ts. */
const BALLAST = "ballast";

/**
 * Each store that is there.
 * @throws an error of Deno, or StoreError, when we may not look.
 */
export async function lookAtStores({ options }: Scene): Promise<StoreSight[]> {
  const present = listStores(options.attach)
    .filter((directory) => inodeOf(kvPath(directory)) !== undefined);
  return await Promise.all(present.map((directory) => lookAtStore(directory, options)));
}

/**
 * What they hold.
 * @throws StoreError when one cannot be read.
 */
export async function lookAtLeases({ options: { attach }, stores }: Scene): Promise<LeasesSight> {
  return await stores.use(async ({ stores, unread: [unread] }) => {
    if (unread !== undefined) throw new StoreError("store-failure", unread);
    const parts = await Promise.all(stores.map(async (store) => ({
      judged: await collectDead(store, attach, { graceMs: DEFAULT_GRACE_MS, dryRun: true }),
      networks: await store.read(readNetworks),
    })));
    const judged = parts.flatMap(({ judged }) => judged);
    const bootId = attach.node.bootId();
    return {
      leases: judged.length,
      dead: judged.flatMap(({ lease, judgement }) =>
        judgement.dead ? [{ address: addressText(lease), proofs: judgement.proofs }] : []
      ),
      ofOtherBoots: judged.map(({ lease }) => lease)
        .filter((lease) => lease.bootId !== "" && lease.bootId !== bootId).map(addressText),
      networks: parts.flatMap(({ networks }) => networks),
    };
  });
}

/** In another process, for a damaged page ends the runtime; nobody writes meanwhile. */
async function lookAtStore(
  directory: string,
  { attach: { runDirectory, self } }: DoctorOptions,
): Promise<StoreSight> {
  const place = { directory, runDirectory, lockTimeoutMs: LOCK_TIMEOUT_MS };
  const examined = async () => {
    const { path, hold } = locateStore(place);
    return await hold("shared", () => listStoreFaults(self, path));
  };
  const [space, examination] = await Promise.all([
    spaceOf(directory),
    examined().then(
      (faults) => ({ faults, trouble: "" }),
      (error) => ({ faults: [], trouble: errorText(error) }),
    ),
  ]);
  return {
    directory,
    ...examination,
    space,
    hasBallast: sizeOf(`${directory}/${BALLAST}`) > 0,
    spoolBytes: sizeOf(spoolPath(runDirectory, realPath(directory))),
  };
}

async function spaceOf(directory: string): Promise<StoreSight["space"]> {
  // Only here: to load it takes longer than most commands.
  const { statfs } = await import("node:fs/promises");
  const { bsize, bavail, ffree, files } = await statfs(directory);
  return {
    freeBytes: bsize * bavail,
    freeInodes: ffree,
    totalInodes: files,
  };
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

function addressText({ key, addresses }: Pick<Lease, "key" | "addresses">): string {
  return `${addresses.map(({ address }) => formatPrefix(address)).join(",")} of ${key.network}`;
}
