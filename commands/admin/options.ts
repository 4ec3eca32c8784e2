import { type Args, parseArgs, type ParseOptions } from "@std/cli";
import { ConfigError } from "../../lib/errors.ts";
import { nearestWord } from "../../lib/nearest.ts";

/**
 * Reads the options of a subcommand that takes no other arguments.
 * @throws ConfigError for an unknown option, with the nearest known one, for one that lacks its
 * value, and for any other argument.
 */
export function parseOptions<
  const B extends string,
  const S extends string,
  const D extends Readonly<Record<string, unknown>>,
>(args: readonly string[], options: ParseOptions<B, S, D>): Args<B, S, D> {
  const known = [...options.boolean ?? [], ...options.string ?? []];
  const refuse = (arg: string, key?: string): never => {
    const nearest = key && nearestWord(key, known);
    throw new ConfigError(
      "invalid-config",
      key === undefined
        ? `Cannot use argument "${arg}": only options are taken`
        : `Cannot use option "${arg}": not known; ` +
          (nearest ? `did you mean "--${nearest}"?` : "--help tells the options"),
    );
  };
  const parsed = parseArgs(args, { ...options, unknown: refuse });
  const values = new Map<string, unknown>(Object.entries(parsed));
  const bare = options.string?.find((name) => values.get(name) === "");
  if (bare === undefined) return parsed;
  throw new ConfigError("invalid-config", `Cannot use option "--${bare}": it needs a value`);
}
