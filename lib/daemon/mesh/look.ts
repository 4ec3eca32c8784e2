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
  /** Why the kernel cannot be asked for the link; undefined when it answered, or was not asked. */
  readonly kernelTrouble: string | undefined;
  /** What it says of forwarding; empty when all is well, undefined when it says nothing. */
  readonly forwardingWarning: string | undefined;
}

/** Looks; a tailscaled, or a kernel, that does not answer is a part of what is seen. */
export async function lookAtMesh(
  api: Pick<LocalApi, "socket" | "status" | "prefs" | "checkIpForwarding">,
  openHost: () => Host,
): Promise<MeshSight> {
  const { socket } = api;
  try {
    const [status, prefs] = await Promise.all([api.status({ peers: true }), api.prefs()]);
    // Not promised to be there for ever; without it the sysctls are looked at by others anyway.
    const forwardingWarning = await api.checkIpForwarding().catch(() => undefined);
    const link = lookAtLink(openHost, status);
    return { socket, status, prefs, forwardingWarning, trouble: undefined, ...link };
  } catch (error) {
    const seen = { socket, status: undefined, prefs: undefined, forwardingWarning: undefined };
    return { ...seen, trouble: errorText(error), kernelTrouble: undefined, ...NO_LINK };
  }
}

const NO_LINK: TailnetLink = { device: undefined, acceptedRoutes: [] };

function lookAtLink(
  openHost: () => Host,
  status: TailnetStatus,
): TailnetLink & Pick<MeshSight, "kernelTrouble"> {
  try {
    using host = openHost();
    return { ...findTailnetLink(host, status), kernelTrouble: undefined };
  } catch (error) {
    return { ...NO_LINK, kernelTrouble: errorText(error) };
  }
}
