/** `headcni logs`: what the daemon and the plugins of this node wrote. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { errorText, HeadcniError } from "../../../lib/errors.ts";
import { writeAll } from "../../streams.ts";
import { parseDuration } from "../duration_option.ts";
import { standardScreen } from "../screen.ts";
import { readSettings, settingsOption, type SettingsOptions } from "../settings.ts";
import type { LogRange } from "./log_file.ts";
import { formatLine, formatLineJson, type LogLine } from "./log_line.ts";
import { daemonLog, type Log, pluginLog } from "./sources.ts";

/** What `headcni logs` is told. */
interface LogsOptions extends SettingsOptions {
  readonly plugin?: true;
  readonly daemon?: true;
  readonly follow?: true;
  readonly tail?: number;
  /** In milliseconds. */
  readonly since?: number;
  readonly output: "table" | "json";
}

/** Lines that are shown where nothing says how many. */
const DEFAULT_TAIL = 200;

const HELP = `
The log of the plugins is $HEADCNI_LOG_FILE, else /var/log/headcni/plugin.log. That of the daemon is
logging.file.path of its settings, which the chart sets, else what systemd keeps of the unit "headcni".
What was put aside for its size is read, too. All together in the order of their times, each line behind
the name of who wrote it.

JSON: a line each: {"source": "plugin"|"daemon", "time", "level", "message", ...} as it was logged

Examples:
  headcni logs
  headcni logs --plugin --since 10m --tail 50
  headcni logs --plugin --output json | jq 'select(.level == "error")'`;

/** Defines the subcommand. */
export function define(logs: Command, env: Environment): void {
  logs
    .option("--plugin", "only what plugins wrote")
    .option("--daemon", "only what the daemon wrote")
    .option("-f, --follow", "go on with what is written from now on")
    .addOption(
      new Option("--tail <lines>", `the last lines (default: ${DEFAULT_TAIL}, all with --since)`)
        .argParser(parseCount),
    )
    .addOption(
      new Option("--since <duration>", "the lines of this time, such as 10m or 1h")
        .argParser(parseDuration),
    )
    .addOption(settingsOption())
    .addOption(
      new Option("-o, --output <format>", "for people, or an object a line for programs")
        .choices(["table", "json"]).default("table"),
    )
    .addHelpText("after", HELP)
    .action((options: LogsOptions) => runLogs(options, env));
}

async function runLogs(options: LogsOptions, env: Environment): Promise<void> {
  const { since, tail = since === undefined ? DEFAULT_TAIL : Infinity, follow, output } = options;
  const range = { tail, sinceMs: since === undefined ? undefined : Date.now() - since };
  const screen = standardScreen();
  const format = (line: LogLine) =>
    output === "json" ? formatLineJson(line) : formatLine(line, screen);
  const { logs, lines, troubles } = await readLogs(logsOf(options, env), range);
  if (logs.length === 0) throw new HeadcniError("unavailable", troubles.join("; "));
  troubles.forEach((trouble) => console.error(`headcni: ${trouble}`));
  // Stable: what has the same time stays in the order in which it was written.
  const inOrder = lines.sort((a, b) => a.timeMs - b.timeMs);
  for (const line of tail === 0 ? [] : inOrder.slice(-tail)) console.log(format(line));
  if (follow) await followLogs(logs, format);
}

function logsOf(options: LogsOptions, env: Environment): Log[] {
  const { plugin = false, daemon = false } = options;
  const isAll = plugin === daemon;
  return [
    ...plugin || isAll ? [pluginLog(env)] : [],
    ...daemon || isAll ? [daemonLog(readSettings(options, env).settings)] : [],
  ];
}

/** Those that can be read, what is in them, and why others cannot be. */
async function readLogs(all: readonly Log[], range: LogRange) {
  const logs: Log[] = [];
  let lines: LogLine[] = [];
  const troubles: string[] = [];
  for (const log of all) {
    try {
      // Too many for the arguments of a call.
      lines = lines.concat(await log.read(range));
      logs.push(log);
    } catch (error) {
      troubles.push(errorText(error));
    }
  }
  return { logs, lines, troubles };
}

/** Until one of them fails, or nobody reads any more, which the console would not tell. */
async function followLogs(
  logs: readonly Log[],
  format: (line: LogLine) => string,
): Promise<void> {
  const end = new AbortController();
  try {
    await Promise.all(logs.map(async (log) => {
      for await (const line of log.follow(end.signal)) writeAll(Deno.stdout, `${format(line)}\n`);
    }));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  } finally {
    end.abort();
  }
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A number of lines is wanted.");
}
