/** `headcni doctor`: what is wrong with this node, and what to do about it. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { examineNode } from "../../../lib/daemon/doctor/examine.ts";
import type { DoctorOptions } from "../../../lib/daemon/doctor/scene.ts";
import { type Check, judgeChecks, type Judged } from "../../../lib/doctor/check.ts";
import { checkNames, CHECKS, selectChecks } from "../../../lib/doctor/checks.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { configureLog } from "../../../lib/log.ts";
import { nearestWord } from "../../../lib/nearest.ts";
import { outputOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";
import { settingsOption, type SettingsOptions } from "../settings.ts";
import { formatTable } from "../table.ts";
import { type Fix, fixNode, requireConsent } from "./fix.ts";
import { formatFixes, formatReport } from "./format.ts";
import { doctorOptions } from "./options.ts";

/** What `headcni doctor` is told. */
interface DoctorCommand extends SettingsOptions {
  readonly only: readonly string[];
  readonly list?: true;
  readonly fix?: true;
  readonly yes?: true;
  readonly output: OutputFormat;
}

const HELP = `
Each check passes, warns, fails, or is skipped where nothing could be seen. All of them run at once,
none waits for ever, and nothing is changed: with the daemon up or down, as root or not. The exit code
is 1 when a check fails.

--fix does only what the daemon, the next ADD or "headcni ipam gc" would do by themselves, asks before
each thing, and looks again. What a running daemon keeps mended is left to it.

The settings are those of the file and of this environment: variables and flags that only the service of
the daemon has are not known here.

JSON: {"ok", "checks": [{"id", "group", "title", "verdict": "pass"|"warn"|"fail"|"skip", "evidence",
"fix", "remedy", "readme"}], "fixes": [{"remedy", "checks": [id], "done": [text], "failures": [text]}]};
"remedy" is what --fix does about it, null for nothing

Examples:
  headcni doctor
  headcni doctor --only conflist executables
  headcni doctor --fix
  headcni doctor --fix --yes --output json`;

/** Defines the subcommand. */
export function define(doctor: Command, env: Environment): void {
  doctor
    .addOption(settingsOption())
    .addOption(
      new Option("--only <names...>", "only these checks, by their ids or groups")
        .argParser(readNames).default([], "all"),
    )
    .option("--list", "tell the checks that there are, and look at nothing")
    .option("--fix", "mend what can be mended safely; asks before each thing")
    .option("--yes", "with --fix: do not ask")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action((command: DoctorCommand) => command.list ? list(command) : run(command, env));
}

async function list({ output, only }: DoctorCommand): Promise<void> {
  const checks = selectChecks(only).map(({ id, group, title }) => ({ id, group, title }));
  const rows = checks.map(({ id, group, title }) => [id, group, title]);
  await print(output, checks, (screen) => formatTable(HEADINGS, rows, screen));
}

const HEADINGS = ["CHECK", "GROUP", "WHAT IT IS ABOUT"];

async function run(command: DoctorCommand, env: Environment): Promise<void> {
  const { fix = false, yes = false, output, only } = command;
  if (fix) requireConsent({ yes, isForPeople: output === "table" });
  configureLog({ level: "error", output: "none" }); // what cannot be read is a finding
  const options = doctorOptions(command.config, env);
  const checks = selectChecks(only);
  const first = await judge(options, checks);
  const fixes = fix ? await fixNode(options, first, { yes, env }) : [];
  const last = fixes.length > 0 ? await judge(options, checks) : first;
  await print(output, viewReport(last, fixes), (screen) =>
    [
      ...fixes.length > 0 ? [formatFixes(fixes), ""] : [],
      formatReport(last, screen),
    ].join("\n"));
  requireHealth(last);
}

async function judge(options: DoctorOptions, checks: readonly Check[]): Promise<Judged[]> {
  const looks = await examineNode(options, checks.map(({ sees }) => sees));
  return judgeChecks(checks, looks);
}

function viewReport(judged: readonly Judged[], fixes: readonly Fix[]) {
  return {
    ok: judged.every(({ verdict }) => verdict !== "fail"),
    checks: judged.map(({ anchor, remedy = null, ...rest }) => ({
      ...rest,
      remedy,
      readme: `README.md#${anchor}`,
    })),
    fixes,
  };
}

function requireHealth(judged: readonly Judged[]): void {
  const failed = judged.filter(({ verdict }) => verdict === "fail").map(({ id }) => id);
  if (failed.length === 0) return;
  throw new HeadcniError(
    "check-failure",
    `Cannot call this node healthy: ${failed.length} of ${judged.length} checks fail: ` +
      failed.join(", "),
  );
}

function readNames(name: string, before: readonly string[]): string[] {
  if (checkNames().includes(name)) return [...before, name];
  const nearest = nearestWord(name, checkNames());
  throw new InvalidArgumentError(
    nearest === undefined
      ? `--list tells all ${CHECKS.length} checks.`
      : `Did you mean ${nearest}?`,
  );
}
