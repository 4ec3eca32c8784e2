/** `headcni uninstall`: takes back what was put on this node. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { endService, takeBackInstall, type TakenBack } from "../../lib/daemon/install/take_back.ts";
import { previewUninstall } from "../../lib/daemon/preview_uninstall.ts";
import { uninstallNode, type UninstallReport } from "../../lib/daemon/uninstall.ts";
import { HeadcniError } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import { ownExecutable, pluginContext } from "../context.ts";
import { logByHand } from "../logged.ts";
import { outputOption } from "./command_line.ts";
import { type OutputFormat, print } from "./print.ts";
import { readSettings, settingsOption, type SettingsOptions } from "./settings.ts";

/** What `headcni uninstall` is told. */
interface UninstallCommand extends SettingsOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

const HELP = `
Ends the daemon that "headcni install" has systemd run; another one is to be stopped first. Our network
configuration goes, and those that were moved aside come back. While pods are left that we attached,
all that they need stays: run it again when they are gone. With --force they lose addresses, host ports
and way out, and the runtime cannot remove them cleanly. Last, what "headcni install" took the place of
is put back, and its programs go.

Our routes are withdrawn from the tailnet, and a tailscaled of our own is stopped and its unit removed.
The node stays registered, and the keys of its own tailscaled stay: if it is not to come back, run
"headcni mesh leave --deregister" first.

The settings of the daemon say where everything is. Settings that the install did not write stay, as do
the log and forwarding.

JSON: {"pods": number, "done": [text], "kept": [text], "failures": [text]}

Examples:
  headcni uninstall --dry-run
  headcni uninstall
  headcni uninstall --force --output json`;

/** Defines the subcommand. */
export function define(command: Command, env: Environment): void {
  command
    .addOption(settingsOption())
    .option("--force", "even what pods need that are left")
    .option("--dry-run", "only tell what would be done")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (options: UninstallCommand) => {
      const report = await uninstall(options, env);
      await print(options.output, report, () => formatReport(report, options.dryRun));
      if (!options.dryRun) throwUnfinished(report, options.force);
    });
}

async function uninstall(
  options: Omit<UninstallCommand, "output">,
  env: Environment,
): Promise<UninstallReport> {
  const { force = false, dryRun = false } = options;
  const loaded = readSettings(options, env);
  const { dataDir: dataDirectory, runDirectory } = loaded.settings;
  const context = pluginContext(env);
  const work = {
    loaded,
    attach: { ...context, dataDirectory, runDirectory },
    root: env.HEADCNI_HOST_ROOT ?? "",
    executable: ownExecutable(context),
    force,
  };
  const install = { dataDir: dataDirectory, dryRun };
  if (!dryRun) logByHand(context);
  const ended = await endService(install);
  const report = await (dryRun ? previewUninstall(work) : uninstallNode(work));
  const isOver = report.failures.length === 0 && (report.pods === 0 || force);
  const taken = isOver ? await takeBackInstall(install) : { done: [], kept: [] };
  const whole = joined(report, ended, taken);
  if (!dryRun) log.info("Done", { verb: "uninstall", force, ...whole });
  return whole;
}

/** A folder that was not empty before the record in it went, and is gone by now, does not stay. */
function joined(
  report: UninstallReport,
  ended: readonly string[],
  taken: TakenBack,
): UninstallReport {
  const gone = taken.done.map((text) => text.split(": ")[0]);
  return {
    ...report,
    done: [...new Set([...ended, ...report.done, ...taken.done])],
    kept: [
      ...report.kept.filter((text) => !gone.includes(text.split(": ")[0])),
      ...taken.kept,
    ],
  };
}

function formatReport({ pods, done, kept }: UninstallReport, dryRun = false): string {
  const nothing = "There was nothing to take back.";
  const left = pods > 0 ? [`Pods are left, ${pods} interfaces.`, ""] : [];
  return [
    ...dryRun ? left : [],
    ...done.length > 0 ? [...dryRun ? ["This would be done:"] : [], ...done] : [nothing],
    ...kept.length > 0 ? ["", "What stays:", ...kept] : [],
  ].join("\n");
}

function throwUnfinished({ pods, failures }: UninstallReport, force = false): void {
  const [first] = failures;
  if (first) {
    throw new HeadcniError("io-failure", `Cannot take back all: ${first}`, {
      ...failures.length > 1 && { details: failures.slice(1).join("\n") },
    });
  }
  if (pods === 0 || force) return;
  throw new HeadcniError("try-again", `Cannot take back all: pods are left, ${pods} interfaces`, {
    details: 'Drain the node and run it again ("headcni ipam gc" frees what dead pods left), ' +
      "or use --force",
  });
}
