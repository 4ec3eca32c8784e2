/** `headcni cluster uninstall`: takes the release out of a cluster. */
import type { Command } from "commander";
import { isPresent } from "../../../lib/attach/left_over.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { ioError } from "../../../lib/daemon/replace_file.ts";
import { Helm } from "../../../lib/delegate/helm.ts";
import { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { accessOf, type AccessOptions, addClusterVerb } from "./access_options.ts";
import { releaseSelector } from "./daemon_pods.ts";
import { findDaemonSet } from "./daemon_set.ts";
import { keySecretName, OWN_LABEL } from "./keys.ts";
import { findRelease } from "./release.ts";

/** What it is told. */
interface UninstallOptions extends AccessOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly saveSettings?: string;
}

const HELP = `
What Helm made goes, and the Secret of "headcni cluster install". What is on the nodes stays, so that
pods go on: when the pods of a node are gone, "/opt/headcni/headcni uninstall --config FILE" there takes
the rest away, and its network out of the tailnet. FILE has the settings, which say where everything is:
they are saved beforehand. A tailscaled of our own goes at once, and with it the way to other nodes.

It asks before it does so, unless --force is given. --dry-run tells what would go, and changes nothing.

Examples:
  headcni cluster uninstall --dry-run
  headcni cluster uninstall --force`;

/** Adds the verb `uninstall`. */
export function addUninstall(cluster: Command, env: Environment): void {
  addClusterVerb(cluster, "uninstall", "take HeadCNI out of a cluster; pods go on")
    .option("--dry-run", "change nothing")
    .option("--force", "do not ask")
    .option("--save-settings <file>", "where the settings go (default: RELEASE-daemon.yaml, here)")
    .addHelpText("after", HELP)
    .action((options: UninstallOptions) => uninstall(options, env));
}

async function uninstall(options: UninstallOptions, env: Environment): Promise<void> {
  const { releaseName, namespace, dryRun = false, force = false } = options;
  const access = accessOf(options, env);
  const [kubectl, helm] = [new Kubectl(access), new Helm(access)];
  const release = await findRelease(helm, releaseName);
  const secret = await findSecret(kubectl, options);
  const nodes = (await findDaemonSet(kubectl, options))?.current ?? 0;
  const going = [
    ...release ? [`release "${releaseName}", revision ${release.revision}, on ${nodes} nodes`] : [],
    ...secret === undefined ? [] : [`Secret "${secret}"`],
  ];
  if (going.length === 0) {
    console.log(`There is nothing to take away in namespace "${namespace}".`);
    return;
  }
  if (dryRun) {
    console.log(["What would go:", ...going].join("\n"));
    return;
  }
  if (!force) confirmOrThrow(going);
  const settings = await saveSettings(kubectl, options);
  if (release) {
    await helm.run(`remove release "${releaseName}"`, ["uninstall", releaseName, "--wait"]);
  }
  if (secret !== undefined) {
    await kubectl.run(`remove Secret "${secret}"`, ["delete", "secrets", secret]);
  }
  console.log(["Gone:", ...going].join("\n"));
  const config = settings === undefined ? "" : ` --config ${settings}`;
  console.log(
    `\nOn each node, when its pods are gone: /opt/headcni/headcni uninstall${config}` +
      (settings === undefined ? "" : `\n"${settings}" has the settings; bring it there.`),
  );
}

/**
 * Saves the settings of the daemon, which go with the release.
 * @returns the path of the file; undefined where there are none.
 * @throws ConfigError when another file is there, HeadcniError `io-failure`.
 */
async function saveSettings(
  kubectl: Kubectl,
  options: UninstallOptions,
): Promise<string | undefined> {
  const { saveSettings: path = `${options.releaseName}-daemon.yaml` } = options;
  const text = await kubectl.run("read the settings of the daemon", [
    ...["get", "configmaps", releaseSelector(options)],
    "--output=jsonpath={.items[*].data.daemon\\.yaml}",
  ]);
  // One that did not come to its end saved them.
  if (text === "") return isPresent(path) ? path : undefined;
  try {
    Deno.writeTextFileSync(path, text, { createNew: true, mode: 0o600 });
    return path;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw ioError("write", path, cause);
  }
  if (holds(path, text)) return path;
  throw new ConfigError(
    "invalid-config",
    `Cannot save the settings: "${path}" is there, and is another; --save-settings names another file`,
  );
}

/** False for what is no file, too. */
function holds(path: string, text: string): boolean {
  try {
    return Deno.readTextFileSync(path) === text;
  } catch {
    return false;
  }
}

/** The Secret that install made; one of somebody else's has not our label. */
async function findSecret(
  kubectl: Kubectl,
  options: UninstallOptions,
): Promise<string | undefined> {
  const name = keySecretName(options);
  const found = await kubectl.run(`look for Secret "${name}"`, [
    ...["get", "secrets", `--field-selector=metadata.name=${name}`, `--selector=${OWN_LABEL}`],
    "--output=name",
  ]);
  return found.trim() === "" ? undefined : name;
}

function confirmOrThrow(going: readonly string[]): void {
  if (!Deno.stdin.isTerminal()) {
    throw new ConfigError(
      "invalid-config",
      "Cannot ask: standard input is no terminal; --force does it without asking",
    );
  }
  if (confirm(`${going.join("\n")}\nRemove this?`)) return;
  throw new ConfigError("invalid-config", "Nothing was removed");
}
