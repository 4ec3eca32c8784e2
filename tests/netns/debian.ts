import { isFile } from "../cli/shipped.ts";
import { missingRoot } from "../fakes/test_unless.ts";
import { DEBIAN_PLUGINS } from "./plugin.ts";

/** Why tests beside the reference plugins must be skipped; empty when they can run. */
export function missingDebian(): string {
  const hasPlugins = isFile(`${DEBIAN_PLUGINS}/bridge`);
  return missingRoot() || (hasPlugins ? "" : `needs the reference plugins in ${DEBIAN_PLUGINS}`);
}
