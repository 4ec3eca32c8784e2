/** A login with a pre-auth key, as `tailscale up --auth-key` does it: cmd/tailscale/cli/up.go. */
import type { PrefsChange } from "../mesh/tailnet.ts";
import type { LocalApi } from "./local_api.ts";

/** What a login is made with. */
export interface Login {
  readonly authKey: string;
  /** Preferences that are to hold from its start on, such as the control server. */
  readonly change?: PrefsChange;
  /** A new node key, though the one that is there may still do. */
  readonly isForced?: boolean;
}

/**
 * Begins a login: of a new node, of one whose key has expired, that was logged out or stopped, or that
 * the control server no longer knows. How it ends is told by the status: `Running`, or `NeedsLogin` with
 * a word in `health` when the key is no good. After a logout `change` has to name all that matters.
 * @throws TailscaleError.
 */
export async function logIn(
  api: Pick<LocalApi, "status" | "start" | "loginInteractive">,
  { authKey, change = {}, isForced = false }: Login,
): Promise<void> {
  const { hasNodeKey } = await api.status({ peers: false });
  // With a node key a start logs in by itself, and changes an expired key for a new one. Where that is
  // not wanted it must be kept from it: its request could use a key up that is good for one alone.
  const loggedOut = isForced && hasNodeKey;
  await api.start({ authKey, change: { ...change, wantRunning: true, loggedOut } });
  if (isForced || !hasNodeKey) await api.loginInteractive();
}
