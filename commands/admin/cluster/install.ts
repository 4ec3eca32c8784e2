/** `headcni cluster install` and `upgrade`: the release of the chart in a cluster. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { Helm } from "../../../lib/delegate/helm.ts";
import { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { ConfigError, errorText, HeadcniError } from "../../../lib/errors.ts";
import { pluginContext } from "../../context.ts";
import { accessOf, type AccessOptions, addClusterVerb, timeoutOption } from "./access_options.ts";
import { awaitRollout } from "./daemon_set.ts";
import { addKeyFlags, applyKeys, type KeyFlags, keySecretName } from "./keys.ts";
import { checkTools, ensureNamespace, findChart } from "./preflight.ts";
import { findRelease, type Release, upgradeArguments } from "./release.ts";
import { addReleaseFlags, type ReleaseFlags, releaseValues } from "./release_values.ts";

/** What both verbs are told. */
interface ReleaseOptions extends AccessOptions, ReleaseFlags, KeyFlags {
  readonly chart?: string;
  readonly values?: readonly string[];
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly timeout: number;
}

const SHARED_HELP = `
Flags become values of the chart, and what is set already stays; --values names files for all the rest,
as of Helm. A key goes into the Secret RELEASE-auth, by standard input of kubectl: no command line, no
value of the release, and no log has it.

--dry-run asks the cluster, prints what Helm would make, and changes nothing.
`;

const INSTALL_HELP = `${SHARED_HELP}
Examples:
  headcni cluster install --headscale-url https://headscale.example.com --auth-key-file ./api-key \\
    --pod-cidr 10.42.0.0/16 --image-repo registry.example.com/headcni
  pass show headscale | headcni cluster install --auth-key-file - --values ./values.yaml
  headcni cluster install --dry-run`;

const UPGRADE_HELP = `${SHARED_HELP}
One node after the other gets the new release; pods keep their network. When the rollout does not come to
its end in time, the revision of before is brought back, and the exit code is 1. A release that is not
deployed now is only upgraded with --force.

Examples:
  headcni cluster upgrade --image-tag 0.2.0
  headcni cluster upgrade --values ./values.yaml --timeout 600
  headcni cluster upgrade --dry-run`;

/** Adds the verb `install`. */
export function addInstall(cluster: Command, env: Environment): void {
  addVerb(cluster, "install", "put HeadCNI on all nodes of a cluster, by its chart")
    .addHelpText("after", INSTALL_HELP)
    .action((options: ReleaseOptions) => install(options, env));
}

/** Adds the verb `upgrade`. */
export function addUpgrade(cluster: Command, env: Environment): void {
  addVerb(cluster, "upgrade", "change what runs on the nodes, and back when it does not work")
    .option("--force", "although the release is not deployed as it should be")
    .addHelpText("after", UPGRADE_HELP)
    .action((options: ReleaseOptions) => upgrade(options, env));
}

function addVerb(cluster: Command, name: string, description: string): Command {
  return addKeyFlags(addReleaseFlags(addClusterVerb(cluster, name, description)))
    .option("--chart <path>", "the chart (default: the folder chart beside the program)")
    .option("--values <file>", "more values; again for more files", collect)
    .option("--dry-run", "change nothing")
    .addOption(timeoutOption("how long all nodes may take", 300));
}

async function install(options: ReleaseOptions, env: Environment): Promise<void> {
  const { kubectl, helm, chart } = await prepare(options, env);
  await putRelease(kubectl, helm, chart, options);
  if (options.dryRun) return;
  const { desired } = await awaitRollout(kubectl, options, options.timeout);
  if (desired === 0) {
    throw new HeadcniError("unavailable", "Cannot see it run: no node wants a pod");
  }
  console.log(`Installed on ${desired} nodes; "headcni cluster status" tells more`);
}

async function upgrade(options: ReleaseOptions, env: Environment): Promise<void> {
  const { kubectl, helm, chart } = await prepare(options, env);
  const before = await requireRelease(helm, options);
  try {
    await putRelease(kubectl, helm, chart, options);
    if (options.dryRun) return;
    const { desired } = await awaitRollout(kubectl, options, options.timeout);
    console.log(`Upgraded ${desired} nodes`);
  } catch (error) {
    if (options.dryRun || !await hasChanged(helm, options, before)) throw error;
    throw await rollBack(kubectl, helm, options, before, error);
  }
}

async function prepare(
  options: ReleaseOptions,
  env: Environment,
): Promise<{ kubectl: Kubectl; helm: Helm; chart: string }> {
  const access = accessOf(options, env);
  const [kubectl, helm] = [new Kubectl(access), new Helm(access)];
  const chart = findChart(options.chart, pluginContext(env).self.at(-1) ?? "");
  console.error(await checkTools(kubectl, helm));
  return { kubectl, helm, chart };
}

/** Namespace, keys, and the release itself; nothing of it with `--dry-run`. */
async function putRelease(
  kubectl: Kubectl,
  helm: Helm,
  chart: string,
  options: ReleaseOptions,
): Promise<void> {
  const { namespace, releaseName, dryRun = false, values = [] } = options;
  const isNew = await ensureNamespace(kubectl, namespace, dryRun);
  if (isNew) console.error(`${dryRun ? "Would make" : "Made"} namespace "${namespace}"`);
  const secret = await applyKeys(kubectl, options);
  if (secret) console.error(`${dryRun ? "Would write" : "Wrote"} Secret "${secret.name}"`);
  const line = upgradeArguments(releaseName, chart, values);
  const printed = await helm.run(
    `put release "${releaseName}" into the cluster`,
    [...line, ...dryRun ? ["--dry-run"] : []],
    { stdin: JSON.stringify(releaseValues(options, secret)) },
  );
  if (dryRun) console.log(printed.trimEnd());
}

async function requireRelease(
  helm: Helm,
  { releaseName, namespace, force = false }: ReleaseOptions,
): Promise<Release> {
  const release = await findRelease(helm, releaseName);
  if (!release) {
    throw new ConfigError(
      "invalid-config",
      `Cannot upgrade release "${releaseName}": namespace "${namespace}" has none; ` +
        '"headcni cluster install" makes it',
    );
  }
  if (release.status === "deployed" || force) return release;
  throw new HeadcniError(
    "try-again",
    `Cannot upgrade release "${releaseName}": it is ${release.status}; --force does it all the same`,
  );
}

/**
 * Whether Helm has made a revision since: only then is there something to take back. Where it cannot tell,
 * what went wrong before is what counts.
 */
async function hasChanged(
  helm: Helm,
  { releaseName }: ReleaseOptions,
  before: Release,
): Promise<boolean> {
  const now = await findRelease(helm, releaseName).catch(() => undefined);
  return now !== undefined && now.revision > before.revision;
}

/** Brings the revision of before back; answers the error that tells all. */
async function rollBack(
  kubectl: Kubectl,
  helm: Helm,
  options: ReleaseOptions,
  { revision }: Release,
  cause: unknown,
): Promise<HeadcniError> {
  const { releaseName, timeout } = options;
  console.error(`Bringing revision ${revision} back: ${errorText(cause)}`);
  const details = cause instanceof HeadcniError && cause.details ? { details: cause.details } : {};
  const hasKeys = options.authKeyFile !== undefined || options.joinKeyFile !== undefined;
  const keys = hasKeys ? `; Secret "${keySecretName(options)}" keeps its new keys` : "";
  const failed = `Cannot upgrade release "${releaseName}": ${errorText(cause)}`;
  try {
    const line = ["rollback", releaseName, String(revision)];
    await helm.run(`bring back revision ${revision}`, line);
    await awaitRollout(kubectl, options, timeout);
    const text = `${failed}; revision ${revision} is back${keys}`;
    return new HeadcniError("unavailable", text, { cause, ...details });
  } catch (error) {
    const text = `${failed}; and revision ${revision} is not back: ${errorText(error)}`;
    return new HeadcniError("unavailable", text, { cause, ...details });
  }
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
