/** Is the node in its tailnet at all: what comes before the conditions. */
import { fail, type Finding, pass, unknown, worstOf } from "./finding.ts";
import { hasExpiredKey, keyExpiryMs } from "./key_expiry.ts";
import type { MeshFacts } from "./mesh_facts.ts";
import type { TailnetStatus } from "./tailnet.ts";
import { tailscaleCommand } from "./tailscale_command.ts";

/** Somebody answers on the socket. */
export function judgeAnswer({ status, trouble }: MeshFacts): Finding {
  return status
    ? pass(`version ${status.version}`)
    : fail(trouble ?? "it was not asked", "see that tailscaled runs, and tailscale.socket.path");
}

/** The kernel has a device of its. */
export function judgeTun({ status }: MeshFacts): Finding {
  if (!status) return NO_STATUS;
  return status.hasTun ? pass("the kernel has it") : fail(
    "userspace networking: the kernel knows no tailnet",
    "give tailscaled /dev/net/tun, and start it without --tun=userspace-networking",
  );
}

/** It has a key, and that is good. */
export function judgeKey({ status, prefs, socket, nowMs }: MeshFacts): Finding {
  if (!status) return NO_STATUS;
  const { self, backendState } = status;
  if (hasExpiredKey(self, nowMs)) return lacksLogin("the key of the node has expired", status);
  if (backendState === "NeedsLogin") {
    return worstOf([
      lacksLogin("the node is not logged in", status),
      ...judgeTags(prefs, socket),
    ]);
  }
  const expiryMs = keyExpiryMs(self);
  if (expiryMs === undefined) return pass("the key of the node does not expire");
  return pass(`the key of the node is good for ${formatDays(expiryMs - nowMs)}`);
}

/** It does its work. */
export function judgeState({ status }: MeshFacts): Finding {
  if (!status) return NO_STATUS;
  const { backendState, health } = status;
  if (backendState === "Running") {
    return pass(
      health.length === 0 ? backendState : `${backendState}, though: ${health.join(", ")}`,
    );
  }
  return fail(`it is in the state "${backendState}"`, STATE_FIXES[backendState] ?? "see its log");
}

/** What cannot be told while tailscaled does not answer. */
export const NO_STATUS = unknown("tailscaled does not answer");

function lacksLogin(seen: string, { authUrl, health }: TailnetStatus): Finding {
  const errors = health.filter((text) => LOGIN_ERROR.test(text));
  const byHand = authUrl === "" ? "" : `, or log the node in at ${authUrl}`;
  return fail([seen, ...errors].join(": "), GIVE_KEY + byHand);
}

/** How tailscaled tells why the last login failed: health/warnings.go. */
const LOGIN_ERROR = /\blogin error\b/i;

/**
 * None when the node asks for no tags. Headscale from 0.28 on takes no new node by a pre-auth key that
 * does, without telling it why: hscontrol/state/state.go, `createAndSaveNewNode`.
 */
function judgeTags(prefs: MeshFacts["prefs"], socket: string | undefined): Finding[] {
  const tags = prefs?.advertiseTags ?? [];
  if (tags.length === 0) return [];
  return [
    fail(
      `it asks for the tags ${
        tags.join(", ")
      } (--advertise-tags), beside which Headscale from 0.28 on ` +
        "takes no pre-auth key",
      `let the tags come with the key: ${tailscaleCommand(socket, "up --advertise-tags=")}, ` +
        "with the other flags that it then asks for",
    ),
  ];
}

const GIVE_KEY = "give a pre-auth key (tailscale.authKey) or an API key (headscale.authKey)";

const STATE_FIXES: Readonly<Record<string, string>> = {
  NeedsLogin: "log the node in",
  NeedsMachineAuth: "let an administrator of the tailnet approve the node",
  Stopped: "headcni daemon starts it: see its log",
  Starting: "wait; if it stays so, see whether the node reaches its control server",
  NoState: "wait; if it stays so, see its log",
};

const HOUR_MS = 3_600_000;

function formatDays(durationMs: number): string {
  const hours = Math.floor(durationMs / HOUR_MS);
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}
