/** `headcni uninstall`: takes back what was put on this node. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
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
  readonly output: OutputFormat;
}

const HELP = `
Stop the daemon first. Our network configuration goes, and those that were moved aside come back.
While pods are left that we attached, all that they need stays: run it again when they are gone.
With --force they lose addresses, host ports and way out, and the runtime cannot remove them cleanly.

Our routes are withdrawn from the tailnet, and a tailscaled of our own is stopped and its unit removed.
The node stays registered, and the keys of its own tailscaled stay: if it is not to come back, run
"headcni mesh leave --deregister" first.

The settings of the daemon say where everything is. They stay, as do the log, forwarding, and the
program by which this is run.

JSON: {"pods": number, "done": [text], "kept": [text], "failures": [text]}

Examples:
  headcni uninstall
  headcni uninstall --force --output json`;

/** Defines the subcommand. */
export function define(command: Command, env: Environment): void {
  command
    .addOption(settingsOption())
    .option("--force", "even what pods need that are left")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (options: UninstallCommand) => {
      const report = await uninstall(options, env);
      await print(options.output, report, () => formatReport(report));
      throwUnfinished(report, options.force);
    });
}

async function uninstall(
  options: Omit<UninstallCommand, "output">,
  env: Environment,
): Promise<UninstallReport> {
  const { force = false } = options;
  const loaded = readSettings(options, env);
  const { dataDir: dataDirectory, runDirectory } = loaded.settings;
  const context = pluginContext(env);
  logByHand(context);
  const report = await uninstallNode({
    loaded,
    attach: { ...context, dataDirectory, runDirectory },
    root: env.HEADCNI_HOST_ROOT ?? "",
    executable: ownExecutable(context),
    force,
  });
  log.info("Done", { verb: "uninstall", force, ...report });
  return report;
}

function formatReport({ done, kept }: UninstallReport): string {
  return [
    ...done.length > 0 ? done : ["There was nothing to take back."],
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
