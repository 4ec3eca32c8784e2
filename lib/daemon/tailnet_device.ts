import type { Settings } from "./settings/settings.ts";

/** What a tailscaled calls its link unless it is told otherwise: cmd/tailscaled/tailscaled.go. */
const HOST_DEVICE = "tailscale0";

/**
 * Name of the link to the tailnet, as far as the settings tell it; whether it is there nobody says.
 * Undefined for a node without a tailnet.
 */
export function tailnetDeviceName(
  { tailscale: { mode, interfaceName } }: Settings,
): string | undefined {
  if (mode === "off") return undefined;
  return mode === "host" ? HOST_DEVICE : interfaceName;
}
