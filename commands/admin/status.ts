/** `headcni status`: the stores of this node, and who has which address. */
import type { Environment } from "../../lib/cni/environment.ts";
import { ConfigError } from "../../lib/errors.ts";
import { DEFAULT_STORE_DIRECTORY } from "../../lib/store/directory.ts";
import { collectStatus, type Status } from "./collect_status.ts";
import { formatStatus } from "./format_status.ts";
import { parseOptions } from "./options.ts";

/**
 * Answers the status of the stores as text.
 * @throws ConfigError for a wrong option; StoreError when a store cannot be read.
 */
export async function runStatus(args: readonly string[], env: Environment): Promise<string> {
  const options = parseOptions(args, {
    boolean: ["help"],
    string: ["store", "output"],
    alias: { output: "o", help: "h" },
    default: { output: "table" },
  });
  if (options.help) return USAGE;
  const format = FORMATS[options.output];
  if (!format) {
    throw new ConfigError(
      "invalid-config",
      `Cannot use --output "${options.output}": ${Object.keys(FORMATS).join(" or ")} wanted`,
    );
  }
  return format(await collectStatus(options.store, env), Date.now());
}

const USAGE = `Usage: headcni status [OPTIONS]

  --store DIR            only the store in DIR (default: $HEADCNI_DATA_DIR, else all in use since
                         boot and ${DEFAULT_STORE_DIRECTORY})
  --output table|json    table by default, -o for short
  --help                 this text`;

type Format = (status: Status, nowMs: number) => string;

const FORMATS: Readonly<Record<string, Format>> = {
  json: (status) => JSON.stringify(status, undefined, 2),
  table: formatStatus,
};
