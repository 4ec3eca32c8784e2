/** Why the last login failed, and what to do about that. */
import type { MeshFacts } from "./mesh_facts.ts";
import type { TailnetStatus } from "./tailnet.ts";
import { tailscaleCommand } from "./tailscale_command.ts";

/** What tailscaled says of the last login, of all that it complains of: health/warnings.go. */
export function loginErrors({ health }: Pick<TailnetStatus, "health">): string[] {
  return health.filter((text) => /\blogin error\b/i.test(text));
}

/** What to do for a node that is not logged in, or whose key has expired. */
export function adviseLogin(
  status: TailnetStatus,
  { socket, headscale, hasKey = false }: Pick<MeshFacts, "socket" | "headscale" | "hasKey">,
): string {
  const errors = loginErrors(status);
  if (hasKey && errors.length === 0) return "the daemon is about to, by the key that it has";
  if (errors.some((text) => TAGS_REFUSED.test(text))) {
    return "tags come with the key, so take back those that tailscaled asks for: " +
      `${
        tailscaleCommand(socket, "up --advertise-tags=")
      }, with the other flags that it then names`;
  }
  const byHand = status.authUrl === "" ? "" : `, or log the node in at ${status.authUrl}`;
  const hasTags = status.self !== undefined && status.self.tags.length > 0;
  // With an API key we do it ourselves.
  const isLeft = !headscale && (hasTags || errors.some((text) => KEPT_EXPIRED.test(text)));
  return GIVE_KEY + byHand + (isLeft ? LIFT_EXPIRY : "");
}

/**
 * Headscale from 0.28 on takes no new node by a pre-auth key that asks for tags beside it:
 * hscontrol/state/state.go, `ErrRequestedTagsInvalidOrNotPermitted`.
 */
const TAGS_REFUSED = /\brequested tags\b/;

/** What tailscaled makes of a server that lets a new key be expired: control/controlclient/direct.go. */
const KEPT_EXPIRED = /\bNodeKeyExpired\b/;

const GIVE_KEY = "give a pre-auth key (tailscale.authKey) or an API key (headscale.authKey)";

/** See `decideExpiryLift`. */
const LIFT_EXPIRY = "; Headscale 0.29 takes a node with tags back by no pre-auth key: " +
  "headscale nodes expire --disable -i <id of this node> on the server";
