/** `headcni backup`: all that is ours on this node, as one file. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { readInstallRecord } from "../../../lib/daemon/install/observe.ts";
import { readBounded } from "../../../lib/daemon/read_bounded.ts";
import { examineSettings } from "../../../lib/daemon/settings/load.ts";
import { readFlags } from "../../../lib/daemon/settings/read_flags.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { ConfigError, errorText, HeadcniError } from "../../../lib/errors.ts";
import { formatInstallRecord } from "../../../lib/node/install_record.ts";
import { VERSION } from "../../../lib/version.ts";
import { exportStore } from "../ipam/export_document.ts";
import { formatJson } from "../print.ts";
import { readSettings, settingsOption, type SettingsOptions } from "../settings.ts";
import { visitStores } from "../stores.ts";
import { type BackupFile, FORMAT, KIND } from "./document.ts";
import { backupPlaces } from "./places.ts";

/** What `headcni backup` is told. */
interface BackupCommand extends SettingsOptions {
  readonly outputFile: string;
}

/** What stands for standard output in the place of a path. */
const STANDARD_OUTPUT = "-";

const HELP = `
The document has "kind" ("${KIND}"), "format" (${FORMAT}), "release", "node", "created", the files "settings",
"lastPodCidr", "mesh", "conflists" and "unit" with their paths and texts, "install" (the record of
"headcni install") and "addresses" (as "headcni ipam export" prints it). Keys are in it by the paths of
their files alone: settings with a key in their text are refused. "headcni restore" puts it back.

Examples:
  headcni backup --output-file /root/headcni.json
  headcni backup --output-file - | ssh backup "cat >node-1.json"`;

/** Defines the subcommand. */
export function define(command: Command, env: Environment): void {
  command
    .requiredOption(
      "--output-file <file>",
      "the file (mode 0600), which must not be there yet; - for standard output",
    )
    .addOption(settingsOption())
    .addHelpText("after", HELP)
    .action(async (options: BackupCommand) => {
      const text = formatJson(await readNode(readSettings(options, env), env));
      if (options.outputFile === STANDARD_OUTPUT) console.log(text);
      else writeNew(options.outputFile, `${text}\n`);
    });
}

async function readNode(
  loaded: LoadedSettings,
  env: Environment,
): Promise<Readonly<Record<string, unknown>>> {
  refuseKeys(loaded);
  const { dataDir } = loaded.settings;
  const places = backupPlaces(loaded, env);
  const record = readInstallRecord(dataDir);
  const [addresses] = await visitStores(
    dataDir,
    env,
    (directory, store) =>
      store
        ? store.read((reader) => exportStore(reader, directory, Date.now()))
        : Promise.resolve(null),
  );
  return {
    kind: KIND,
    format: FORMAT,
    release: VERSION,
    node: loaded.settings.node.name,
    created: new Date().toISOString(),
    settings: readFile(places.settings),
    lastPodCidr: readFile(places.lastPodCidr),
    mesh: readFile(places.mesh),
    conflists: places.conflists.flatMap((path) => readFile(path) ?? []),
    unit: withoutKeys(readFile(places.unit)),
    install: record ? JSON.parse(formatInstallRecord(record)) : null,
    addresses: addresses ?? null,
  };
}

/** A backup goes to other places than its node, and is kept for years. */
function refuseKeys(loaded: LoadedSettings): void {
  const { file, path } = loaded;
  if (file === undefined) return;
  // Alone: a variable of this command would hide what stands in the file.
  const alone = { line: readFlags([]), env: { HEADCNI_CONFIG: file } };
  const { settings = loaded.settings, origins } = examineSettings(alone);
  const inText = [
    ["headscale.authKey", settings.headscale.authKey] as const,
    ["tailscale.authKey", settings.tailscale.authKey] as const,
  ].filter(([key, secret]) => secret?.file === undefined && origins.get(key)?.from === "file")
    .map(([key]) => key);
  if (inText.length === 0) return;
  const files = inText.map((key) => `${key}File`).join(" and ");
  throw new ConfigError(
    "invalid-config",
    `Cannot back up "${path}": ${
      inText.join(" and ")
    } stands in it; put the key into a file of its ` +
      `own, and name that by ${files}`,
  );
}

/** A variable of a unit that somebody wrote; those that end in `_FILE` name a path. */
const KEY_VARIABLE = /^\s*Environment=.*\b(\w*(?:KEY|TOKEN|PASSWORD|SECRET))=/im;

/** The unit. @throws ConfigError when a key stands in it. */
export function withoutKeys(unit: BackupFile | null): BackupFile | null {
  const name = unit && KEY_VARIABLE.exec(unit.text)?.[1];
  if (!name) return unit;
  throw new ConfigError(
    "invalid-config",
    `Cannot back up "${unit.path}": ${name} stands in it; put the key into a file of its own, and ` +
      "name that by EnvironmentFile= or in the settings",
  );
}

function readFile(path: string): BackupFile | null {
  try {
    const text = readBounded(path);
    return text === undefined ? null : { path, text };
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot read "${path}": ${errorText(cause)}`, { cause });
  }
}

function writeNew(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { createNew: true, mode: 0o600 });
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot write "${path}": ${errorText(cause)}`, { cause });
  }
}
