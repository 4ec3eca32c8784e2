import { planWithdrawal } from "../../mesh/wanted_prefs.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { LocalApi } from "../../tailscale/local_api.ts";
import { readMemory, updateMemory } from "./memory_file.ts";

/**
 * Has tailscaled advertise nothing of ours any more; what the user advertises stays.
 * @returns the routes that were ours.
 * @throws TailscaleError, or HeadcniError `io-failure`; then they are still remembered as ours.
 */
export async function withdrawRoutes(
  api: Pick<LocalApi, "prefs" | "editPrefs">,
  dataDir: string,
): Promise<readonly Prefix[]> {
  const { advertised } = readMemory(dataDir);
  if (advertised.length === 0) return [];
  const { change } = planWithdrawal(await api.prefs(), advertised);
  if (Object.keys(change).length > 0) await api.editPrefs(change);
  updateMemory(dataDir, (memory) => ({ ...memory, advertised: [] }));
  return advertised;
}
