/** `headcni metrics`: what the daemon counts and measures. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { askDaemon, askDaemonByTcp, type DaemonAnswer } from "../../lib/daemon/ask_daemon.ts";
import { parseExposition, type ReadFamily } from "../../lib/daemon/read_exposition.ts";
import type { Settings } from "../../lib/daemon/settings/settings.ts";
import { ClientError } from "../../lib/errors.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { parseDuration } from "./duration_option.ts";
import { OUTPUT_FORMATS, type OutputFormat, print } from "./print.ts";
import type { Screen } from "./screen.ts";
import { readSettings, settingsOption, type SettingsOptions } from "./settings.ts";
import { formatTable } from "./table.ts";

/** What `headcni metrics` is told. */
interface MetricsOptions extends SettingsOptions {
  readonly host?: string;
  readonly port?: number;
  readonly filter?: RegExp;
  /** In milliseconds. */
  readonly timeout: number;
  readonly output: OutputFormat | "prometheus";
}

const HELP = `
Asks the daemon's own socket, or with --host or --port a daemon's TCP port, that of another node too.
Buckets of histograms are only in JSON, YAML and the format of Prometheus.

JSON: {"metrics": [{"name", "help", "type", "samples": [{"name", "labels", "value"}]}]}

Examples:
  headcni metrics
  headcni metrics --filter 'leases|errors'
  headcni metrics --output prometheus | promtool check metrics`;

/** Defines the subcommand. */
export function define(metrics: Command, env: Environment): void {
  metrics
    .addOption(
      new Option("--filter <regex>", "only samples whose name{labels} it matches")
        .argParser(parseFilter),
    )
    .option("--host <host>", "ask this host by TCP (default: monitoring.address of the settings)")
    .addOption(
      new Option("--port <port>", "ask this TCP port (default: monitoring.port of the settings)")
        .argParser(parsePort),
    )
    .addOption(
      new Option("--timeout <duration>", "how long to wait, such as 3s")
        .argParser(parseDuration).default(10_000, "10s"),
    )
    .addOption(settingsOption())
    .addOption(
      new Option("-o, --output <format>", "for people, for programs, or as it is scraped")
        .choices([...OUTPUT_FORMATS, "prometheus"]).default("table"),
    )
    .addHelpText("after", HELP)
    .action((options: MetricsOptions) => runMetrics(options, env));
}

async function runMetrics(options: MetricsOptions, env: Environment): Promise<void> {
  const { settings } = readSettings(options, env);
  const { status, text } = await ask(options, settings);
  if (status !== 200) {
    const path = settings.monitoring.path;
    throw new ClientError(
      "delegate-failure",
      `Cannot get the metrics: ${path} answers ${status}; monitoring.path says where they are`,
    );
  }
  const families = filterFamilies(parseExposition(text), options.filter);
  if (options.output === "prometheus") console.log(formatExposition(families));
  else {
    const metrics = families.map(({ samples, ...family }) => ({
      ...family,
      samples: samples.map(({ name, labels, value }) => ({ name, labels, value })),
    }));
    await print(options.output, { metrics }, (screen) => formatMetrics(families, screen));
  }
}

function ask(options: MetricsOptions, settings: Settings): Promise<DaemonAnswer> {
  const { monitoring, socket } = settings;
  const { host, port = monitoring.port, timeout } = options;
  const isTcp = host !== undefined || options.port !== undefined;
  if (!isTcp) return askDaemon(socket, monitoring.path, timeout);
  const name = host ?? formatAddress(monitoring.address);
  return askDaemonByTcp(
    `http://${name.includes(":") ? `[${name}]` : name}:${port}${monitoring.path}`,
    timeout,
  );
}

function filterFamilies(families: readonly ReadFamily[], filter: RegExp | undefined): ReadFamily[] {
  return families.map((family) => ({
    ...family,
    samples: family.samples.filter(({ line }) => filter?.test(line.replace(/ \S+$/, "")) ?? true),
  })).filter(({ samples }) => samples.length > 0);
}

function formatMetrics(families: readonly ReadFamily[], screen: Screen): string {
  const rows = families.flatMap(({ samples }) => samples)
    .filter(({ name }) => !name.endsWith("_bucket"))
    .map(({ name, labels, value }) => {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}=${text}`);
      return [name, String(value), pairs.join(" ")];
    });
  if (rows.length === 0) return "No metric matches.";
  return formatTable(["METRIC", "VALUE", "OF"], rows, screen);
}

function formatExposition(families: readonly ReadFamily[]): string {
  return families.flatMap(({ name, help, type, samples }) => [
    `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ line }) => line),
  ]).join("\n");
}

function parseFilter(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError("A regular expression is wanted.");
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("A port from 1 to 65535 is wanted.");
}
