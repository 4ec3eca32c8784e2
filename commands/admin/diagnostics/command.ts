/** `headcni diagnostics`: everything that a maintainer asks for, in one file, without secrets. */
import { join } from "@std/path";
import { type Command, Option } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { knownSecrets } from "../../../lib/daemon/settings/known_secrets.ts";
import { DEFAULT_SETTINGS_PATH, loadSettings } from "../../../lib/daemon/settings/load.ts";
import { readFlags } from "../../../lib/daemon/settings/read_flags.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { pluginContext } from "../../context.ts";
import { DEFAULT_NAMESPACE, type NodeTarget } from "../cluster/target.ts";
import { readSettings, settingsOption, type SettingsOptions } from "../settings.ts";
import { bundleName } from "./bundle_name.ts";
import { diagnoseNodes } from "./from_nodes.ts";
import { type CollectedItem, collectItems, type Item } from "./item.ts";
import { kernelItems } from "./kernel_items.ts";
import { objectItems } from "./kubernetes_items.ts";
import { commandItems, daemonItems, fileItems, machineItem, toolItems } from "./node_items.ts";
import { createBundle, writeBundle } from "./write_bundle.ts";

/** What `headcni diagnostics` is told. */
interface DiagnosticsOptions extends SettingsOptions {
  readonly outputDir: string;
  readonly outputFile?: string;
  readonly includeLogs?: boolean;
  readonly includeYaml?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
The bundle (tar, gzip, mode 0600) has the version, all settings with their origins, what status, doctor,
mesh, ipam and config say, the daemon's health and metrics, links, addresses, routes, rules, nf_tables and
sysctls, network configurations and state files. Keys, tokens, passwords and private keys are taken out,
by what the settings know and by name and form: look through it all the same before you send it on.

What cannot be had is in it with its error, as without root, without the daemon, or without a tool;
items.json lists all. --include-logs adds the ends of logs (journalctl), --include-yaml the objects of
Kubernetes (kubectl). With --node or --all-nodes the bundles of those nodes come to --output-dir, and
with these two options one of Kubernetes, with the logs of the pods.

Examples:
  headcni diagnostics
  headcni diagnostics --include-logs --output-dir /tmp
  headcni diagnostics --output-file - | tar -tz
  headcni diagnostics --all-nodes --include-logs --include-yaml --output-dir ./bundles`;

/** Where `--output-file -` goes. */
const STDOUT = "-";

/** What the subcommand `diagnostics` is told, and does: here, or on nodes of a cluster. */
export function define(command: Command, env: Environment, target?: NodeTarget): void {
  command
    .addOption(settingsOption())
    .option("--output-dir <dir>", "where the bundle goes, by the node's name and the time", ".")
    .addOption(
      new Option("--output-file <file>", 'the bundle itself, "-" for standard output')
        .conflicts("outputDir"),
    )
    .option("--include-logs", "the ends of logs, too")
    .option("--include-yaml", "objects of Kubernetes, too")
    .option("--verbose", "tell each item on standard error")
    .addHelpText("after", HELP)
    .action((options: DiagnosticsOptions) =>
      target ? diagnoseFromAfar(options, target) : diagnose(options, env)
    );
}

function diagnoseFromAfar(options: DiagnosticsOptions, target: NodeTarget): Promise<void> {
  const { outputDir, outputFile, includeLogs = false, includeYaml = false, verbose } = options;
  if (outputFile === undefined) {
    const onItem = reporter(verbose ?? false);
    return diagnoseNodes({ target, outputDir, includeLogs, includeYaml, onItem });
  }
  throw new ConfigError(
    "invalid-config",
    "Cannot use --output-file with nodes: each has a bundle of its own; use --output-dir",
  );
}

async function diagnose(options: DiagnosticsOptions, env: Environment): Promise<void> {
  const loaded = loadAnyhow(options, env);
  const isPiped = options.outputFile === STDOUT;
  if (isPiped && Deno.stdout.isTerminal()) {
    throw new ConfigError("io-failure", "Cannot print the bundle: standard output is a terminal");
  }
  const path = options.outputFile ?? join(options.outputDir, bundleName(loaded.settings.node.name));
  using file = isPiped ? undefined : createBundle(path);
  const { files, items } = await collectItems(
    allItems(loaded, options, env),
    knownSecrets(loaded.settings),
    reporter(options.verbose ?? false),
  );
  await writeBundle(file ?? Deno.stdout, files);
  const missing = items.filter(({ error }) => error !== undefined).length;
  const summary = `${items.length} items, ${missing} of them with an error`;
  if (isPiped) console.error(summary);
  else console.log(`${path}: ${summary}`);
}

/** The settings, or all defaults where they cannot be used: `config validate` says why. */
function loadAnyhow(options: DiagnosticsOptions, env: Environment): LoadedSettings {
  try {
    return readSettings(options, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const file = options.config ?? (env.HEADCNI_CONFIG || DEFAULT_SETTINGS_PATH);
    return { ...loadSettings({ line: readFlags([]), env: {}, defaultPath: NOWHERE }), file };
  }
}

/** A path where no file can be. */
const NOWHERE = "/dev/null/none";

function allItems(loaded: LoadedSettings, options: DiagnosticsOptions, env: Environment): Item[] {
  const { config, includeLogs = false, includeYaml = false } = options;
  return [
    machineItem(env),
    ...commandItems(env, config),
    ...daemonItems(loaded),
    ...kernelItems(() => pluginContext(env).node.openHost()),
    ...fileItems(loaded, env),
    ...toolItems(loaded, env, includeLogs),
    ...includeYaml ? objectItems(kubectlOf(loaded, env), loaded.settings.node.name) : [],
  ];
}

/** With the kubeconfig of the daemon, or whatever kubectl finds by itself. */
function kubectlOf({ settings: { kube } }: LoadedSettings, env: Environment): Kubectl {
  return new Kubectl({
    kubeconfig: kube.kubeconfig,
    namespace: DEFAULT_NAMESPACE,
    path: env.PATH,
  });
}

function reporter(verbose: boolean): (item: CollectedItem) => void {
  if (!verbose && !Deno.stderr.isTerminal()) return () => {};
  return ({ name, error }) => console.error(error === undefined ? name : `${name}: ${error}`);
}
