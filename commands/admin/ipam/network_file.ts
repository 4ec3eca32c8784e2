import * as v from "valibot";
import { ConfigError } from "../../../lib/errors.ts";
import { parsePools } from "../../../lib/ipam/pool.ts";
import { readJsonFile } from "./json_file.ts";

const section = v.record(v.string(), v.unknown());

/** The configuration of one plugin, or of a chain: SPEC.md section 1. */
const NetworkFile = v.object({
  name: v.string(),
  ipam: v.exactOptional(section),
  plugins: v.optional(v.array(v.object({ ipam: v.exactOptional(section) })), []),
});

/**
 * The `ipam` section of a network from its `.conf` or `.conflist` file.
 * @throws ConfigError that names the file and all that is wrong in it.
 */
export function readIpamSection(path: string, network: string): unknown {
  const { name, ipam, plugins } = readJsonFile(path, NetworkFile);
  const found = ipam ?? plugins.find((plugin) => plugin.ipam)?.ipam;
  if (name !== network) {
    throw new ConfigError(
      "invalid-config",
      `Cannot use "${path}": it is of network "${name}", the leases are of "${network}"; ` +
        `--network names theirs`,
    );
  }
  if (!found) {
    throw new ConfigError("invalid-config", `Cannot use "${path}": it has no "ipam" section`);
  }
  try {
    parsePools(network, found);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new ConfigError(cause.reason, `Cannot use "${path}": ${cause.message}`, { cause });
  }
  return found;
}
