/** `headcni status`: this node on one screen. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { HeadcniError, StoreError } from "../../../lib/errors.ts";
import { outputOption, storeOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";
import { settingsOption } from "../settings.ts";
import { STORES_HELP } from "../stores.ts";
import { formatStatus } from "./format_status.ts";
import { readStatus, type ReadStatusOptions } from "./read_status.ts";

/** What `headcni status` is told. */
interface StatusOptions extends ReadStatusOptions {
  readonly pods?: true;
  readonly output: OutputFormat;
}

const HELP = `
Asks the daemon, the stores, the folders of the runtimes and, where there is crictl, the runtimes; no
daemon need run. What could not be seen stands at the end, and then the exit code is 1. Whether the node
is ready makes no difference to it: "headcni doctor" judges.

JSON: {"version", "node", "daemon": {"state": "running"|"stopped"|"unknown", "version", "pid", "started",
  "ready", "reasons", "warnings"}, "conflists": [{"directory", "runtimes", "name",
  "state": "ours"|"foreign"|"missing", "first"}], "podCidr": {"cidrs", "source", "origin", "since",
  "sources"}, "problems": [text], "pools": [as of "ipam stats"], "mesh": {"connected", "state", "trouble",
  "controlServer", "addresses", "peers", "keyExpiry", "advertised", "served"}, "runtimes": [{"socket",
  "networkReady", "message", "confDirectory", "network"}], "stores": [{"directory", "exists", "schema",
  "attachments": [{"network", "containerId", "ifname", "pod", "addresses", "phase", "hostLink",
  "createdMs"}]}], "unseen": [text]}; null is not known

Examples:
  headcni status
  headcni status --pods
  headcni status --output json | jq .daemon.reasons`;

/** Defines the subcommand. */
export function define(status: Command, env: Environment): void {
  status
    .option("--pods", "also list what is attached")
    .addOption(storeOption(STORES_HELP))
    .addOption(settingsOption())
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action((options: StatusOptions) => runStatus(options, env));
}

async function runStatus(options: StatusOptions, env: Environment): Promise<void> {
  const status = await readStatus(options, env);
  const { store, output, pods = false } = options;
  const { stores, unseen } = status;
  if (store !== undefined && unseen.length === 0 && !stores.some(({ exists }) => exists)) {
    throw new StoreError("store-failure", `Cannot show the store "${store}": there is none`);
  }
  await print(
    output,
    status,
    (screen) => formatStatus(status, { pods, nowMs: Date.now(), screen }),
  );
  if (unseen.length === 0) return;
  throw new HeadcniError(
    "unavailable",
    `Cannot see all of this node: ${unseen.length === 1 ? unseen[0] : `${unseen.length} parts`}`,
  );
}
