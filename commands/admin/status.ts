/** `headcni status`: the stores of this node, and who has which address. */
import type { Environment } from "../../lib/cni/environment.ts";
import { ConfigError, StoreError } from "../../lib/errors.ts";
import { DEFAULT_STORE_DIRECTORY } from "../../lib/store/directory.ts";
import { collectStatus, type Status } from "./collect_status.ts";
import { formatStatus } from "./format_status.ts";
import { parseOptions } from "./options.ts";

/**
 * Answers the status of the stores as text.
 * @throws ConfigError for a wrong option; StoreError when a store cannot be read, or the one that
 * was asked for is not there.
 */
export async function runStatus(args: readonly string[], env: Environment): Promise<string> {
  const options = parseOptions(args, {
    boolean: ["help"],
    string: ["store", "output"],
    alias: { output: "o", help: "h" },
    default: { output: "table" },
  });
  if (options.help) return USAGE;
  const { store, output } = options;
  const format = FORMATS.get(output);
  if (!format) {
    throw optionError("output", output, `${[...FORMATS.keys()].join(" or ")} wanted`);
  }
  if (store?.startsWith("/") === false) {
    throw optionError("store", store, "an absolute path wanted");
  }
  const status = await collectStatus(store, env);
  if (store !== undefined && !status.stores.some(({ exists }) => exists)) {
    throw new StoreError("store-failure", `Cannot show the store "${store}": there is none`);
  }
  return format(status, Date.now());
}

const USAGE = `Usage: headcni status [OPTIONS]

  --store DIR            only the store in DIR (default: $HEADCNI_DATA_DIR, else all in use since
                         boot and ${DEFAULT_STORE_DIRECTORY})
  --output table|json    table by default, -o for short
  --help                 this text`;

type Format = (status: Status, nowMs: number) => string;

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ["json", (status) => JSON.stringify(status, undefined, 2)],
  ["table", formatStatus],
]);

function optionError(name: string, value: string, seen: string): ConfigError {
  return new ConfigError("invalid-config", `Cannot use --${name} "${value}": ${seen}`);
}
