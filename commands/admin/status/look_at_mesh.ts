/** The tailnet as tailscaled tells of it, where no daemon does. */
import { lookAtMesh as look } from "../../../lib/daemon/mesh/look.ts";
import { describeSight } from "../../../lib/daemon/mesh/mesh_report.ts";
import { tailscaleSocket } from "../../../lib/daemon/own_tailscaled.ts";
import type { Settings } from "../../../lib/daemon/settings/settings.ts";
import type { Host } from "../../../lib/host/host.ts";
import { LocalApi } from "../../../lib/tailscale/local_api.ts";
import type { MeshView } from "./read_status.ts";

/** Asks tailscaled alone. */
export async function lookAtMesh(settings: Settings, openHost: () => Host): Promise<MeshView> {
  using api = new LocalApi(tailscaleSocket(settings) ?? "");
  const told = describeSight(await look(api, openHost));
  const { connected, state, trouble, controlServer, addresses, peers } = told;
  const { keyExpiry, advertised, served } = told;
  return {
    ...{ connected, state, trouble, controlServer, addresses, peers },
    ...{ keyExpiry, advertised, served },
  };
}
