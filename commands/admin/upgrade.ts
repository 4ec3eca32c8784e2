/** `headcni upgrade`: puts this program in the place of the one that is installed. */
import { exists } from "@std/fs";
import { join, resolve } from "@std/path";
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { upgradeNode, type UpgradeReport } from "../../lib/daemon/install/upgrade_node.ts";
import { handOver } from "../../lib/delegate/hand_over.ts";
import { log } from "../../lib/log.ts";
import { ownExecutable, pluginContext } from "../context.ts";
import { logByHand } from "../logged.ts";
import { outputOption } from "./command_line.ts";
import { timeoutOption } from "./install.ts";
import { type OutputFormat, print } from "./print.ts";
import { progressLine } from "./progress_line.ts";
import { readSettings } from "./settings.ts";

/** What `headcni upgrade` is told. */
interface UpgradeCommand {
  readonly from?: string;
  readonly force?: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

/** To copy and try a release takes that long at most, in milliseconds, beside the waiting. */
const COPY_MS = 300_000;

const HELP = `
Run it by the new release's own file, or name that by --from. The new release is copied beside the one
that is in use and tried; then one link changes, and our daemon is started anew, nothing else: no pod
loses a packet, and tunnels stay. When the node does not become as ready as it was, the link changes
back. The release of before is kept.

A release that cannot read the store is refused: that is a step back over a change of its format.

JSON: {"release", "from", "done": [text], "next": [text], "missing": [text] or null}

Examples:
  ./headcni upgrade --dry-run
  headcni upgrade --from /root/headcni-0.2.0`;

/** Defines the subcommand. */
export function define(command: Command, env: Environment): void {
  command
    .option("--from <path>", "the new release: its executable, or the folder that it is in")
    .option("--force", "even to a release that cannot read the store")
    .addOption(timeoutOption())
    .option("--dry-run", "only tell what would be done")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (options: UpgradeCommand) => {
      if (options.from !== undefined) {
        console.log((await byRelease(options.from, options)).trimEnd());
        return;
      }
      const report = await upgrade(options, env);
      await print(options.output, report, () => formatUpgrade(report, options.dryRun));
    });
}

/** What a release needs to be installed only that release knows. */
async function byRelease(from: string, options: UpgradeCommand): Promise<string> {
  const path = resolve(from);
  const isFolder = await exists(path, { isDirectory: true });
  const args = [
    ...["upgrade", "--timeout", String(options.timeout), "--output", options.output],
    ...options.force ? ["--force"] : [],
    ...options.dryRun ? ["--dry-run"] : [],
  ];
  using line = progressLine();
  line.tell(`upgrading by ${path}`);
  const executable = isFolder ? join(path, "headcni") : path;
  return await handOver(executable, args, COPY_MS + 3_000 * options.timeout);
}

async function upgrade(options: UpgradeCommand, env: Environment): Promise<UpgradeReport> {
  const { force = false, dryRun = false, timeout } = options;
  const context = pluginContext(env);
  const loaded = readSettings({}, env);
  if (!dryRun) logByHand(context);
  using line = progressLine();
  const report = await upgradeNode({
    loaded,
    force,
    dryRun,
    timeoutMs: timeout * 1_000,
    env,
    executable: ownExecutable(context),
    onProgress: line.tell,
  });
  if (!dryRun) log.info("Done", { verb: "upgrade", force, ...report });
  return report;
}

function formatUpgrade(
  { release, from, done, next, missing }: UpgradeReport,
  dryRun = false,
): string {
  const nothing = `Release ${release} is in use: there is nothing to do.`;
  const old = from === release ? [] : [`From ${from} to ${release}.`];
  const why = done.length > 0 ? "Pods cannot come, as before:" : "Pods cannot come:";
  return [
    ...done.length > 0 ? [...old, ...dryRun ? ["This would be done:"] : [], ...done] : [nothing],
    ...next.length > 0 ? ["", "Next:", ...next] : [],
    ...missing && missing.length > 0 ? ["", why, ...missing] : [],
  ].join("\n");
}
