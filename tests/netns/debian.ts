import { exists } from "@std/fs";
import { DEBIAN_PLUGINS } from "./plugin.ts";

/** Why tests beside the reference plugins are skipped, as a part of their names; empty when not. */
export async function skipWithoutDebian(): Promise<string> {
  if (Deno.uid() !== 0) return " (skipped: needs root)";
  if (await exists(`${DEBIAN_PLUGINS}/bridge`)) return "";
  return ` (skipped: needs the reference plugins in ${DEBIAN_PLUGINS})`;
}
