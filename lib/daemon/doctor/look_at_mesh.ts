/** Looks at the tailnet, as `headcni mesh check` does. */
import type { MeshSight } from "../../doctor/sight.ts";
import { ConfigError } from "../../errors.ts";
import { keyExpiryMs } from "../../mesh/key_expiry.ts";
import { examineMesh } from "../mesh/examine.ts";
import type { Settings } from "../settings/settings.ts";
import type { Scene } from "./scene.ts";

/** How long Headscale may take, whatever the settings give it: a person waits. */
const HEADSCALE_TIMEOUT_MS = 3_000;

/** @throws ConfigError where there is no tailnet. */
export async function lookAtMesh(
  { options: { loaded, root, attach } }: Scene,
): Promise<MeshSight> {
  const { settings } = loaded;
  if (settings.tailscale.mode === "off") {
    throw new ConfigError("invalid-config", "tailscale.mode is off");
  }
  const examined = await examineMesh({ ...loaded, settings: withoutPatience(settings) }, {
    root,
    openHost: () => attach.node.openHost(),
    podCidrVariable: attach.env.NODE_POD_CIDR || undefined,
    probe: false,
  });
  const { conditions, conflicts, sight, warnings } = examined;
  const nowMs = attach.nowMs();
  return {
    conditions,
    conflicts,
    warnings,
    keyExpiryMs: keyExpiryMs(sight.status?.self),
    nowMs,
  };
}

function withoutPatience(settings: Settings): Settings {
  const { timeout } = settings.headscale;
  const ms = Math.min(timeout.ms, HEADSCALE_TIMEOUT_MS);
  return {
    ...settings,
    headscale: { ...settings.headscale, timeout: { ...timeout, ms }, retries: 0 },
  };
}
