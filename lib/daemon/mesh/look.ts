/** One look at the tailnet: everything that is judged and decided by. */
import { errorText } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { TailnetPrefs, TailnetStatus } from "../../mesh/tailnet.ts";
import type { LocalApi } from "../../tailscale/local_api.ts";
import { findTailnetLink, type TailnetLink } from "./tailnet_link.ts";

/** What was seen. */
export interface MeshSight extends TailnetLink {
  /** Where tailscaled was asked. */
  readonly socket: string;
  readonly status: TailnetStatus | undefined;
  readonly prefs: TailnetPrefs | undefined;
  /** Why tailscaled cannot be asked; undefined when it answered. */
  readonly trouble: string | undefined;
  /** What it says of forwarding; empty when all is well, undefined when it says nothing. */
  readonly forwardingWarning: string | undefined;
}

/** Looks; a tailscaled that does not answer is a part of what is seen. */
export async function lookAtMesh(
  api: Pick<LocalApi, "socket" | "status" | "prefs" | "checkIpForwarding">,
  openHost: () => Host,
): Promise<MeshSight> {
  const { socket } = api;
  const seen = { socket, status: undefined, prefs: undefined, forwardingWarning: undefined };
  try {
    const [status, prefs] = await Promise.all([api.status({ peers: true }), api.prefs()]);
    // Not promised to be there for ever; without it the sysctls are looked at by others anyway.
    const forwardingWarning = await api.checkIpForwarding().catch(() => undefined);
    using host = openHost();
    return {
      socket,
      status,
      prefs,
      forwardingWarning,
      trouble: undefined,
      ...findTailnetLink(host, status),
    };
  } catch (error) {
    return { ...seen, trouble: errorText(error), device: undefined, acceptedRoutes: [] };
  }
}
