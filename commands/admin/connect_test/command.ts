/** `headcni connect-test`: whether pods reach what they must reach, tried for real. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { findNetwork, type FoundNetwork } from "../../../lib/daemon/connect/find_network.ts";
import type { Trial } from "../../../lib/daemon/connect/trial.ts";
import { detachLeftOvers } from "../../../lib/daemon/connect/trial_pod.ts";
import { tryConnections } from "../../../lib/daemon/connect/try_connections.ts";
import { cniDirectories } from "../../../lib/daemon/node_files.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { type Address, formatAddress, tryParseAddress } from "../../../lib/net/address.ts";
import { listAttachments } from "../../../lib/store/attachments.ts";
import { listLeases } from "../../../lib/store/leases.ts";
import type { Endpoint } from "../../../lib/daemon/connect/reach.ts";
import type { NodeTarget } from "../cluster/target.ts";
import { outputOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";
import { standardScreen } from "../screen.ts";
import { readSettings, settingsOption, type SettingsOptions } from "../settings.ts";
import { visitStores } from "../stores.ts";
import { formatSummary, formatTrial, reportTrials } from "./report.ts";
import { tryCluster } from "./try_cluster.ts";
import { findTargets, type NamedTargets, parseEndpoint } from "./targets.ts";

/** What `headcni connect-test` is told. */
interface ConnectOptions extends NamedTargets, SettingsOptions {
  /** Seconds. */
  readonly timeout: number;
  readonly image: string;
  readonly verbose?: boolean;
  readonly output: OutputFormat;
}

const HELP = `
Makes two pods that no runtime knows, by the network configuration and the plugins that the runtime of
this node uses, tries from them what pods need, and takes them away. They go as well when it is
interrupted; killed for good, their links go with it, and the next run (or "headcni ipam gc") frees their
addresses. It needs root, and neither the daemon nor a tool of the node.

Name server and service are those of the cluster by custom, the 10th and the 1st address of
network.serviceCIDR, unless they are named. What there is nothing to try with is skipped.

With --node or --all-nodes, from a workstation, Kubernetes makes the pods: one on each of the nodes and
another on the first, in the namespace of --namespace, of an image that has ping, nc and nslookup. They are
removed at the end; should nobody be left to do that, Kubernetes ends them after 15 minutes.

JSON: {"passed", "failed", "skipped", "trials": [{"id", "title", "verdict": "passed"|"failed"|"skipped",
"text", "fix", "attempts": [text]}]}. The exit code is 1 when a trial fails.

Examples:
  headcni connect-test
  headcni connect-test --external 1.1.1.1 --verbose
  headcni connect-test --external 192.0.2.7:443 --timeout 2 --output json
  headcni connect-test --all-nodes --image registry.example.com/busybox:1.37`;

/** What pods of Kubernetes are made of unless somebody names another image. */
const DEFAULT_IMAGE = "busybox:1.37";
/** An image has to be fetched. */
const START_SECONDS = 120;

/** What ends a trial by hand. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What the subcommand `connect-test` is told, and does: here, or on nodes of a cluster. */
export function define(command: Command, env: Environment, target?: NodeTarget): void {
  command
    .addOption(settingsOption())
    .addOption(
      new Option("--timeout <seconds>", "how long each attempt waits for an answer")
        .argParser(parseSeconds).default(5),
    )
    .addOption(
      new Option("--external <address[:port]>", "something outside: an echo, or TCP to a port")
        .argParser(wantEndpoint),
    )
    .addOption(
      new Option("--dns <address>", "a name server").argParser(wantAddress),
    )
    .addOption(
      new Option("--service <address:port>", "a service of the cluster").argParser(wantPort),
    )
    .option("--image <image>", "of pods that Kubernetes makes", DEFAULT_IMAGE)
    .option("--verbose", "tell each attempt")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action((options: ConnectOptions) => connectTest(options, env, target));
}

async function connectTest(
  options: ConnectOptions,
  env: Environment,
  target: NodeTarget | undefined,
): Promise<void> {
  const { verbose = false, output } = options;
  const end = new AbortController();
  const interrupt = () => end.abort(new HeadcniError("try-again", "interrupted"));
  for (const signal of SIGNALS) Deno.addSignalListener(signal, interrupt);
  const telling = {
    signal: end.signal,
    onTrial: (trial: Trial) => {
      if (output === "table") console.log(formatTrial(trial, verbose, standardScreen()));
    },
  };
  try {
    const trials = target
      ? await tryFromAfar(options, target, telling)
      : await tryHere(options, env, telling);
    const report = reportTrials(trials);
    await print(output, report, () => `\n${formatSummary(report)}`);
    throwFailed(trials, end.signal);
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, interrupt);
  }
}

/** What both ways have in common. */
interface Telling {
  readonly signal: AbortSignal;
  onTrial(trial: Trial): void;
}

async function tryHere(
  options: ConnectOptions,
  env: Environment,
  telling: Telling,
): Promise<Trial[]> {
  const loaded = readSettings(options, env);
  return await tryConnections({
    ...telling,
    ...await findTargets(loaded, options, env),
    findNetwork: () => findNetwork(cniDirectories(loaded, env.HEADCNI_HOST_ROOT ?? "")),
    tidyUp: (network) => tidyUp(network, loaded.settings.dataDir, env),
    timeoutMs: options.timeout * 1_000,
  });
}

function tryFromAfar(
  { image, timeout, external }: ConnectOptions,
  target: NodeTarget,
  telling: Telling,
): Promise<Trial[]> {
  return tryCluster({
    ...telling,
    ...{ target, image, answerSeconds: timeout, startSeconds: START_SECONDS },
    external: external && wordsOf(external),
  });
}

function wordsOf(external: Address | Endpoint): string[] {
  return "port" in external
    ? [formatAddress(external.address), String(external.port)]
    : [formatAddress(external)];
}

async function tidyUp({ list }: FoundNetwork, store: string, env: Environment): Promise<void> {
  const ids = await visitStores(store, env, async (_, store) => {
    const keys = await store?.read(async (reader) => [
      ...await listLeases(reader),
      ...await listAttachments(reader),
    ]) ?? [];
    return keys.map(({ key }) => key.containerId);
  });
  await detachLeftOvers(list, [...new Set(ids.flat())]);
}

function throwFailed(trials: readonly Trial[], signal: AbortSignal): void {
  signal.throwIfAborted();
  const failed = trials.filter(({ verdict }) => verdict === "failed").length;
  if (failed === 0) return;
  throw new HeadcniError(
    "check-failure",
    `Cannot reach all that pods need: ${failed} of ${trials.length} trials failed`,
  );
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3_600) return seconds;
  throw new InvalidArgumentError("Seconds are wanted, more than 0 and at most 3600.");
}

function wantEndpoint(text: string): Address | Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint) return endpoint;
  throw new InvalidArgumentError("An IP address is wanted, and a port if there is one.");
}

function wantPort(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint && "port" in endpoint) return endpoint;
  throw new InvalidArgumentError("An IP address with a port is wanted, such as 10.96.0.1:443.");
}

function wantAddress(text: string): Address {
  const address = tryParseAddress(text);
  if (address) return address;
  throw new InvalidArgumentError("An IP address is wanted.");
}
