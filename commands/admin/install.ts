/** `headcni install`: puts this program on the node. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import {
  DEFAULT_COMMAND_PATH,
  DEFAULT_PREFIX,
  installNode,
  type InstallReport,
} from "../../lib/daemon/install/install_node.ts";
import { DEFAULT_SETTINGS_PATH } from "../../lib/daemon/settings/load.ts";
import { HeadcniError } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import { type Service, SERVICES } from "../../lib/node/install_record.ts";
import { ownExecutable, pluginContext } from "../context.ts";
import { logByHand } from "../logged.ts";
import { outputOption } from "./command_line.ts";
import { type OutputFormat, print } from "./print.ts";
import { progressLine } from "./progress_line.ts";

/** What `headcni install` is told. */
interface InstallCommand {
  readonly prefix: string;
  readonly config?: string;
  readonly set: readonly (readonly [string, string])[];
  readonly cniBinDir?: string;
  readonly cniConfDir?: string;
  readonly service: Service;
  readonly command: boolean;
  readonly start: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

const HELP = `
Copies this program to PREFIX/releases/, links it as headcni, headcni-ipam and, where there is none,
loopback into the folder in which the runtime looks for plugins and as ${DEFAULT_COMMAND_PATH}, and has
systemd run the daemon, which writes the network configuration. It ends when pods may come, or says why
they may not. What it takes the place of is kept, and "headcni uninstall" puts it back. A second run
does what is left.

Settings go to $HEADCNI_CONFIG, else ${DEFAULT_SETTINGS_PATH}, when there is no such file yet; one
that is there is never changed. --service none is for a DaemonSet or another supervisor: nothing is
asked of systemd.

JSON: {"release", "prefix", "service", "done": [text], "kept": [text], "next": [text],
"missing": [text] or null}

Examples:
  headcni install --dry-run
  headcni install --set network.podCIDR.base=10.42.0.0/16 --set network.podCIDR.nodeLocal=10.42.1.0/24
  headcni install --service none --no-command`;

/** Defines the subcommand. */
export function define(command: Command, env: Environment): void {
  command
    .option("--prefix <dir>", "folder of the program", DEFAULT_PREFIX)
    .addOption(
      new Option("--config <file>", "settings for a node that has none").conflicts([
        ...["set", "cniBinDir", "cniConfDir"],
      ]),
    )
    .addOption(
      new Option("--set <key=value>", "one of these settings; may be repeated")
        .argParser(collectSetting).default([], "none"),
    )
    .option("--cni-bin-dir <dir>", "the same as --set cni.binDir=DIR (default: the runtime's)")
    .option("--cni-conf-dir <dir>", "the same as --set cni.confDir=DIR (default: the runtime's)")
    .addOption(
      new Option("--service <who>", "who runs the daemon").choices(SERVICES).default("systemd"),
    )
    .option("--no-command", `no link ${DEFAULT_COMMAND_PATH}`)
    .option("--no-start", "leave the daemon as it is")
    .addOption(timeoutOption())
    .option("--dry-run", "only tell what would be done")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (options: InstallCommand) => {
      const report = await install(options, env);
      await print(options.output, report, () => formatInstall(report, options.dryRun));
      throwMissing(report);
    });
}

/** `--timeout SECONDS`: how long one waits for the daemon. */
export function timeoutOption(): Option {
  return new Option("--timeout <seconds>", "how long the node may take to be ready for pods")
    .argParser(wholeSeconds).default(60);
}

/** What was done, for people. */
export function formatInstall(
  { release, done, kept, next }: InstallReport,
  dryRun = false,
): string {
  const nothing = `Release ${release} is installed: there is nothing to do.`;
  return [
    ...done.length > 0 ? [...dryRun ? ["This would be done:"] : [], ...done] : [nothing],
    ...kept.length > 0 ? ["", "What stays:", ...kept] : [],
    ...next.length > 0 ? ["", "Next:", ...next] : [],
  ].join("\n");
}

/** @throws HeadcniError when pods cannot come. */
export function throwMissing({ missing }: Pick<InstallReport, "missing">): void {
  if (!missing || missing.length === 0) return;
  throw new HeadcniError(
    "try-again",
    `Cannot see the node become ready for pods: ${missing.join("; ")}`,
    { details: 'It is installed, and the daemon goes on trying; see "journalctl -u headcni"' },
  );
}

async function install(options: InstallCommand, env: Environment): Promise<InstallReport> {
  const { cniBinDir, cniConfDir, dryRun = false, set } = options;
  const context = pluginContext(env);
  if (!dryRun) logByHand(context);
  using line = progressLine();
  const report = await installNode({
    prefix: options.prefix,
    answers: {
      file: options.config,
      values: [
        ...set,
        ...cniBinDir === undefined ? [] : [["cni.binDir", cniBinDir] as const],
        ...cniConfDir === undefined ? [] : [["cni.confDir", cniConfDir] as const],
      ],
    },
    service: options.service,
    start: options.start,
    commandPath: options.command ? DEFAULT_COMMAND_PATH : undefined,
    dryRun,
    timeoutMs: options.timeout * 1_000,
    env,
    executable: ownExecutable(context),
    onProgress: line.tell,
  });
  if (!dryRun) log.info("Done", { verb: "install", ...report });
  return report;
}

function collectSetting(
  text: string,
  before: InstallCommand["set"],
): InstallCommand["set"] {
  const [, key, value] = /^([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)=(.*)$/s.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return [...before, [key, value]];
  throw new InvalidArgumentError('A key and a value are wanted, such as "network.mtu=1400".');
}

function wholeSeconds(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A number of seconds is wanted.");
}
