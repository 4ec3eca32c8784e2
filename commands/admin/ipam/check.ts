/** `headcni ipam check`: whether the stores can be trusted. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { listStoreFaults } from "../../../lib/delegate/examine.ts";
import { damage } from "../../../lib/store/failure.ts";
import { inodeOf, kvPath } from "../../../lib/store/place.ts";
import { locateStore } from "../../../lib/store/store.ts";
import { type PluginContext, pluginContext } from "../../context.ts";
import { outputOption, storeOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";
import {
  chosenDirectory,
  explainFailure,
  noStore,
  storeDirectories,
  STORES_HELP,
} from "../stores.ts";

/** What `headcni ipam check` is told. */
interface CheckOptions {
  readonly store?: string;
  readonly output: OutputFormat;
}

/** What is wrong with a store. */
interface StoreFaults {
  /** Its directory. */
  readonly store: string;
  /** One text each; none for a sound store. */
  readonly faults: readonly string[];
}

const HELP = `
Every lease, owner, mark and record is read and held against the others. When there is a fault, the
exit code is 1, and the next ADD or DEL makes the store anew from the links of the pods that run,
from what can still be read, and from what the container runtime remembers.

JSON: {"stores": [{"store", "faults": [text]}]}

Example:
  headcni ipam check && echo sound`;

/** Adds the verb `check`. */
export function addCheck(ipam: Command, env: Environment): void {
  ipam.command("check")
    .description("tell whether the stores can be trusted")
    .addOption(storeOption(STORES_HELP))
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async ({ store, output }: CheckOptions) => {
      const stores = await checkStores(store, env);
      await print(output, { stores }, () => stores.map(formatFaults).join("\n\n"));
      requireNone(stores);
    });
}

async function checkStores(named: string | undefined, env: Environment): Promise<StoreFaults[]> {
  try {
    const present = storeDirectories(named, env).filter((directory) =>
      inodeOf(kvPath(directory)) !== undefined
    );
    if (present.length === 0) throw noStore(chosenDirectory(named, env));
    const stores: StoreFaults[] = [];
    for (const store of present) {
      stores.push({ store, faults: await checkStore(store, pluginContext(env)) });
    }
    return stores;
  } catch (error) {
    throw explainFailure(error);
  }
}

/** In another process, for a damaged page ends the runtime; the lock tells the next one of it. */
async function checkStore(
  directory: string,
  { self, runDirectory }: PluginContext,
): Promise<readonly string[]> {
  const { path, hold } = locateStore({ directory, runDirectory });
  return await hold("exclusive", async (held) => {
    const faults = await listStoreFaults(self, path);
    held.isSuspect = faults.length > 0;
    return faults;
  });
}

function formatFaults({ store, faults }: StoreFaults): string {
  if (faults.length === 0) return `Store ${store}: sound`;
  const title = `Store ${store}: ${faults.length} fault${faults.length === 1 ? "" : "s"}`;
  return [title, ...faults.map((fault) => `  ${fault}`)].join("\n");
}

function requireNone(stores: readonly StoreFaults[]): void {
  const damaged = stores.filter(({ faults }) => faults.length > 0).map(({ store }) => `"${store}"`);
  if (damaged.length > 0) throw damage(`Cannot trust the store ${damaged.join(", ")}`);
}
