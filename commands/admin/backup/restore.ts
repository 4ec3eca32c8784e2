/** `headcni restore`: puts back on this node what a backup has. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { writeAtomically } from "../../../lib/daemon/atomic_file.ts";
import { settingsOf } from "../../../lib/daemon/install/answers.ts";
import {
  DEFAULT_COMMAND_PATH,
  installNode,
  type InstallReport,
} from "../../../lib/daemon/install/install_node.ts";
import { DEFAULT_SETTINGS_PATH, loadSettings } from "../../../lib/daemon/settings/load.ts";
import { readFlags } from "../../../lib/daemon/settings/read_flags.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { parseMemory } from "../../../lib/mesh/memory.ts";
import { parseLastPodCidr } from "../../../lib/node/last_pod_cidr.ts";
import { openStore } from "../../../lib/store/store.ts";
import { ownExecutable, pluginContext } from "../../context.ts";
import { logByHand } from "../../logged.ts";
import { outputOption } from "../command_line.ts";
import { throwMissing, timeoutOption } from "../install.ts";
import { toRestorable } from "../ipam/export_document.ts";
import { reportProgress } from "../ipam/progress.ts";
import { previewRestore, restore, type Restored } from "../ipam/restore.ts";
import { type OutputFormat, print } from "../print.ts";
import { progressLine } from "../progress_line.ts";
import { storeExaminer, visitStores } from "../stores.ts";
import { type Backup, readBackup } from "./document.ts";
import { backupPlaces, requirePlaces } from "./places.ts";
import { compareFiles, type FileChange, formatFileChange } from "./file_changes.ts";

/** What `headcni restore` is told. */
interface RestoreCommand {
  readonly inputFile: string;
  readonly force?: boolean;
  readonly install: boolean;
  readonly start: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

/** What was done, as `--output json` prints it. */
interface RestoreReport {
  readonly node: string;
  readonly created: string;
  /** Files that were written, or would be; those that were the same are left out. */
  readonly files: readonly Omit<FileChange, "text">[];
  /** Leases; null when the backup has none. */
  readonly addresses: Restored | null;
  /** What the installation came to; null when there was none. */
  readonly install: InstallReport | null;
}

const HELP = `
All of the backup is judged before anything is changed. Then settings and what the daemon remembers come
back, the addresses, and last this program, installed as it was there; the daemon writes the network
configuration. Where "headcni install" did not run, the network configuration and the unit come back as
they were. Leases that are there already stay; pods that live keep their addresses, and "headcni ipam gc"
frees those of pods that are gone.

A file that is there and is another one is only replaced with --force; --dry-run shows the difference.

JSON: {"node", "created", "files": [{"path", "change", "lines"}], "addresses": {"imported", "present"}
or null, "install": as "headcni install" prints it, or null}

Examples:
  headcni restore --input-file /root/headcni.json --dry-run
  headcni restore --input-file /root/headcni.json`;

/** Defines the subcommand. */
export function define(command: Command, env: Environment): void {
  command
    .requiredOption("--input-file <file>", "the backup; - for standard input")
    .option("--force", "replace files that are there and are others")
    .option("--no-install", "put back settings and addresses alone")
    .option("--no-start", "leave the daemon as it is")
    .addOption(timeoutOption())
    .option("--dry-run", "only tell what would be done")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (options: RestoreCommand) => {
      const report = await restoreNode(options, env);
      await print(options.output, report, () => formatReport(report, options.dryRun));
      if (report.install) throwMissing(report.install);
    });
}

async function restoreNode(options: RestoreCommand, env: Environment): Promise<RestoreReport> {
  const { dryRun = false, force = false } = options;
  const backup = readBackup(options.inputFile);
  const loaded = settingsOfBackup(backup, env);
  requirePlaces(backup, backupPlaces(loaded, env));
  requireSound(backup);
  const files = compareFiles([backup.settings, backup.lastPodCidr, backup.mesh]);
  // Where "headcni install" did not run, nobody else writes them.
  const last = compareFiles(backup.install ? [] : [...backup.conflists, backup.unit]);
  const others = [...files, ...last].filter(({ change }) => change === "other");
  if (others.length > 0 && !force && !dryRun) {
    throw new ConfigError(
      "invalid-config",
      `Cannot restore ${others.map(({ path }) => `"${path}"`).join(", ")}: it is there, and is ` +
        "another; --dry-run shows the difference, --force replaces it",
    );
  }
  const context = pluginContext(env);
  if (!dryRun) logByHand(context);
  const addresses = await previewAddresses(backup, loaded, env);
  if (!dryRun) {
    // The install writes what is new, and records that it did.
    const isInstalled = options.install && backup.install !== null;
    const isLeft = ({ path, change }: FileChange) =>
      isInstalled && change === "new" && path === backup.settings?.path;
    Deno.mkdirSync(loaded.settings.dataDir, { recursive: true, mode: 0o700 });
    writeFiles(files.filter((file) => !isLeft(file)));
    // Before any pod comes that could get one of them.
    await restoreAddresses(backup, loaded, env);
    writeFiles(last);
  }
  const { node, created } = backup;
  const install = options.install ? await reinstall(backup, options, env) : null;
  const told = [...files, ...last].map(({ text: _, ...change }) => change);
  const report = { node, created, files: told, addresses, install };
  if (!dryRun) log.info("Done", { verb: "restore", force, node, created, addresses });
  return report;
}

function writeFiles(files: readonly FileChange[]): void {
  for (const { path, text } of files) {
    Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true, mode: 0o755 });
    writeAtomically(path, text, { mode: path.endsWith(".service") ? 0o644 : 0o600 });
  }
}

/** Those that the daemon of the node will have. */
function settingsOfBackup({ settings }: Backup, env: Environment): LoadedSettings {
  const path = env.HEADCNI_CONFIG || DEFAULT_SETTINGS_PATH;
  return settings ? settingsOf(settings.text, path, env) : loadSettings({
    line: readFlags([]),
    env,
  });
}

/** @throws ConfigError for what the daemon could not read. */
function requireSound({ lastPodCidr, mesh }: Backup): void {
  if (lastPodCidr) parseLastPodCidr(lastPodCidr.text);
  const { warning } = parseMemory(mesh?.text);
  if (mesh && warning !== undefined) {
    throw new ConfigError("invalid-config", `Cannot restore "${mesh.path}": ${warning}`);
  }
}

async function previewAddresses(
  { addresses }: Backup,
  { settings: { dataDir } }: LoadedSettings,
  env: Environment,
): Promise<Restored | null> {
  if (!addresses) return null;
  const plan = toRestorable(addresses);
  const [preview] = await visitStores(
    dataDir,
    env,
    (_, store) =>
      store
        ? previewRestore(store, plan)
        : Promise.resolve({ imported: plan.leases.length, present: 0 }),
  );
  return preview ?? null;
}

async function restoreAddresses(
  { addresses }: Backup,
  { settings }: LoadedSettings,
  env: Environment,
): Promise<void> {
  if (!addresses) return;
  const { dataDir: directory, runDirectory } = settings;
  const mender = storeExaminer(pluginContext(env).self);
  await using store = await openStore({ directory, runDirectory, mender });
  await restore(store, toRestorable(addresses), reportProgress("Restoring leases"));
}

async function reinstall(
  { install, settings }: Backup,
  { dryRun = false, start, timeout }: RestoreCommand,
  env: Environment,
): Promise<InstallReport | null> {
  if (!install) return null;
  using line = progressLine();
  return await installNode({
    prefix: install.prefix,
    service: install.service,
    answers: { text: settings?.text, values: [] },
    commandPath: install.paths.some(({ path }) => path === DEFAULT_COMMAND_PATH)
      ? DEFAULT_COMMAND_PATH
      : undefined,
    start,
    dryRun,
    timeoutMs: timeout * 1_000,
    env,
    executable: ownExecutable(pluginContext(env)),
    onProgress: line.tell,
  });
}

function formatReport(
  { node, created, files, addresses, install }: RestoreReport,
  dryRun = false,
): string {
  const leases = addresses
    ? [`Leases: ${addresses.imported} new, ${addresses.present} there already.`]
    : [];
  return [
    `Backup of ${node}, ${created}.`,
    ...dryRun ? ["This would be done:"] : [],
    ...files.flatMap(formatFileChange),
    ...leases,
    ...install?.done ?? [],
    ...install && install.next.length > 0 ? ["", "Next:", ...install.next] : [],
  ].join("\n");
}
