/** Keeps tailscaled set to what pods need, and remembers first what of it is ours. */
import { log } from "../../log.ts";
import { rememberRoutes } from "../../mesh/remember_routes.ts";
import type { PrefsPlan } from "../../mesh/wanted_prefs.ts";
import type { TailnetPrefs } from "../../mesh/tailnet.ts";
import { formatPrefix } from "../../net/prefix.ts";
import type { LocalApi } from "../../tailscale/local_api.ts";
import { readMemory, updateMemory } from "./memory_file.ts";

/**
 * Changes what the plan says. What we advertise is on the disk before tailscaled knows it: however this
 * ends, it is known whose the routes are.
 * @returns whether anything was changed.
 * @throws TailscaleError, or HeadcniError `io-failure`.
 */
export async function keepPrefs(
  api: Pick<LocalApi, "editPrefs">,
  { change, reasons }: PrefsPlan,
  have: TailnetPrefs,
  dataDir: string,
): Promise<boolean> {
  if (Object.keys(change).length === 0) return false;
  const { advertiseRoutes, ...flags } = change;
  const next = advertiseRoutes ?? have.advertiseRoutes;
  const ours = rememberRoutes(readMemory(dataDir).advertised, have.advertiseRoutes, next);
  updateMemory(dataDir, (memory) => ({ ...memory, advertised: ours.before }));
  await api.editPrefs(change);
  updateMemory(dataDir, (memory) => ({ ...memory, advertised: ours.after }));
  log.info("Changed the settings of tailscaled", {
    ...flags,
    ...advertiseRoutes && { advertiseRoutes: advertiseRoutes.map(formatPrefix) },
    reasons,
  });
  return true;
}
