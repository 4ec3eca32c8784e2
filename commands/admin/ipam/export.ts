/** `headcni ipam export`: everything in a store as JSON. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { ConfigError, errorText, HeadcniError } from "../../../lib/errors.ts";
import { storeOption } from "../command_line.ts";
import { formatJson } from "../print.ts";
import { STORES_HELP, visitPresentStores } from "../stores.ts";
import { exportStore } from "./export_document.ts";

/** What `headcni ipam export` is told. */
interface ExportOptions {
  readonly store?: string;
  readonly file?: string;
}

const HELP = `
The document has "format" (1), "release", "store", "exportedMs", "networks" (the ipam sections),
"leases" (as "headcni ipam ls -o json" prints them), "resting", "cursors", "sticky" and "counters".
"headcni ipam import --from export" puts all but the counters back on this node. What ADD recorded
of links is not in it.

Examples:
  headcni ipam export --file /root/addresses.json
  headcni ipam export --store /var/lib/headcni | jq .leases`;

/** Adds the verb `export`. */
export function addExport(ipam: Command, env: Environment): void {
  ipam.command("export")
    .description("print everything in a store as JSON")
    .addOption(storeOption(STORES_HELP))
    .option("--file <file>", "write it to this file (mode 0600), which must not be there yet")
    .addHelpText("after", HELP)
    .action(async ({ store, file }: ExportOptions) => {
      const document = formatJson(await exportOnly(store, env));
      if (file === undefined) console.log(document);
      else writeNew(file, `${document}\n`);
    });
}

async function exportOnly(named: string | undefined, env: Environment): Promise<unknown> {
  const exported = await visitPresentStores(named, env, async (store) => ({
    directory: store.directory,
    document: await store.read((reader) => exportStore(reader, store.directory, Date.now())),
  }));
  const [only, ...others] = exported;
  if (others.length === 0) return only?.document;
  throw new ConfigError(
    "invalid-config",
    `Cannot export several stores at once: --store names one of ` +
      exported.map(({ directory }) => `"${directory}"`).join(", "),
  );
}

function writeNew(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { createNew: true, mode: 0o600 });
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot write "${path}": ${errorText(cause)}`, { cause });
  }
}
