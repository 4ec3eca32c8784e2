/** `headcni ipam import`: takes leases over from host-local, or from an export. */
import { resolve } from "@std/path";
import { type Command, Option } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { formatAddress } from "../../../lib/net/address.ts";
import { DEFAULT_STORE_DIRECTORY } from "../../../lib/store/directory.ts";
import { openStore } from "../../../lib/store/store.ts";
import { pluginContext } from "../../context.ts";
import { logByHand } from "../../logged.ts";
import { outputOption, storeOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";
import { chosenDirectory, explainFailure, storeExaminer } from "../stores.ts";
import { readExport } from "./export_document.ts";
import { planHostLocalImport } from "./import_host_local.ts";
import { nameFault } from "./name_fault.ts";
import { readIpamSection } from "./network_file.ts";
import { reportProgress } from "./progress.ts";
import { withHostLocal } from "./read_host_local.ts";
import { type Restorable, restore } from "./restore.ts";

/** What `headcni ipam import` is told. */
interface ImportOptions {
  readonly from: keyof typeof SOURCES;
  readonly store?: string;
  readonly network?: string;
  readonly config?: string;
  readonly output: OutputFormat;
}

/** What was done, as `--output json` prints it. */
interface ImportReport {
  /** Directory of the store. */
  readonly store: string;
  readonly networks: readonly string[];
  /** Leases that are new. */
  readonly imported: number;
  /** Leases that were there already. */
  readonly present: number;
  /** What an administrator should know. */
  readonly notes: readonly string[];
}

const HELP = `
From host-local, PATH is its directory of one network: <its dataDir>/<network>. Its lock is held
meanwhile. Pods go on running, but let none start or stop until the configuration is switched.
Prefix length, gateway, pod and namespace come from the runtime's cached results; where there are
none, --config tells the first two. Leases of pods whose namespace is gone are left out.

From an export, PATH is the file, or - for standard input. It puts back what this node had: leases,
resting and sticky addresses, cursors and ipam sections, but no counters. On another node the leases
would be nobody's.

Conflicts are all told before anything is written; what is there already stays as it is.

JSON: {"store", "networks", "imported", "present", "notes"}

Examples:
  headcni ipam import --from host-local /var/lib/cni/networks/pods \\
    --config /etc/cni/net.d/10-pods.conflist
  headcni ipam import --from export /root/addresses.json`;

/** Adds the verb `import`. */
export function addImport(ipam: Command, env: Environment): void {
  ipam.command("import")
    .description("take leases over from host-local, or from an export")
    .argument("<path>", "what to take over")
    .addOption(
      new Option("--from <kind>", "what PATH is").choices(Object.keys(SOURCES))
        .makeOptionMandatory(),
    )
    .addOption(storeOption(
      `the store that gets them (default: $HEADCNI_DATA_DIR, else ${DEFAULT_STORE_DIRECTORY})`,
    ))
    .option("--network <name>", "name of host-local's network (default: the last part of PATH)")
    .option("--config <file>", "configuration of host-local's network, a .conf or .conflist")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (path: string, options: ImportOptions) => {
      try {
        await SOURCES[options.from](path, options, env);
      } catch (error) {
        throw explainFailure(error);
      }
    });
}

type Import = (path: string, options: ImportOptions, env: Environment) => Promise<void>;

const SOURCES = { "host-local": importHostLocal, export: importExport } satisfies Record<
  string,
  Import
>;

async function importHostLocal(
  path: string,
  options: ImportOptions,
  env: Environment,
): Promise<void> {
  const directory = resolve(path);
  const { network = directory.slice(directory.lastIndexOf("/") + 1), config } = options;
  requireName(network);
  const ipam = config === undefined ? undefined : readIpamSection(config, network);
  const source = { directory, network, ipam };
  await withHostLocal(directory, async (files) => {
    const plan = await planHostLocalImport(source, files, pluginContext(env));
    const report = await write(plan, plan.notes, options, env);
    await print(
      options.output,
      report,
      () => formatReport(report) + nextSteps(plan, network, report),
    );
  });
}

/** A network of another name could not be configured with us. */
function requireName(network: string): void {
  const fault = nameFault(network);
  if (fault === undefined) return;
  throw new ConfigError("invalid-config", `Cannot use network name "${network}": ${fault}`);
}

async function importExport(
  path: string,
  options: ImportOptions,
  env: Environment,
): Promise<void> {
  const report = await write(readExport(path), [], options, env);
  await print(options.output, report, () => formatReport(report));
}

async function write(
  plan: Restorable,
  notes: readonly string[],
  options: ImportOptions,
  env: Environment,
): Promise<ImportReport> {
  const context = pluginContext(env);
  logByHand(context);
  const { runDirectory } = context;
  const directory = chosenDirectory(options.store, env);
  const mender = storeExaminer(context.self);
  await using store = await openStore({ directory, runDirectory, mender });
  const { leases } = plan;
  const counts = await restore(store, plan, reportProgress("Importing leases"));
  const networks = [...new Set(leases.map(({ key }) => key.network))].sort();
  const done = { store: store.directory, networks, ...counts };
  log.info("Done", { verb: "ipam import", ...done });
  return { ...done, notes };
}

function formatReport({ store, networks, imported, present, notes }: ImportReport): string {
  const names = networks.map((name) => `"${name}"`).join(", ") || "no network";
  const count = (leases: number) => `${leases} lease${leases === 1 ? "" : "s"}`;
  const rest = present > 0 ? `; ${count(present)} were there already` : "";
  return [
    `Imported ${count(imported)} of ${names} into ${store}${rest}.`,
    ...notes.map((note) => `Note: ${note}.`),
  ].join("\n");
}

/** What there is to do to have host-local's pods served by us. */
function nextSteps({ cursors }: Restorable, network: string, { store }: ImportReport): string {
  const [cursor] = cursors;
  const begin = cursor
    ? ` The next pod gets the address behind ${formatAddress(cursor.address)}.`
    : "";
  const dataDir = store === DEFAULT_STORE_DIRECTORY
    ? `remove ipam.dataDir, which was host-local's`
    : `set ipam.dataDir to "${store}", where the leases are now`;
  return `

Next, before any pod starts or stops, in the configuration of network "${network}":
  - set ipam.type to "headcni-ipam", and leave the name of the network as it is
  - ${dataDir}
No pod needs a restart.${begin}
"headcni ipam ls" tells what is there, "headcni ipam gc" frees what dead pods left behind.`;
}
