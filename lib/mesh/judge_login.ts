/** Is the node in its tailnet at all: what comes before the conditions. */
import { fail, type Finding, pass, unknown } from "./finding.ts";
import { hasExpiredKey, keyExpiryMs } from "./key_expiry.ts";
import { adviseLogin, loginErrors } from "./login_advice.ts";
import type { MeshFacts } from "./mesh_facts.ts";
import { tailscaleCommand } from "./tailscale_command.ts";

/** Somebody answers on the socket. */
export function judgeAnswer({ status, trouble }: MeshFacts): Finding {
  return status
    ? pass(`version ${status.version}`)
    : fail(trouble ?? "it was not asked", "see that tailscaled runs, and tailscale.socket.path");
}

/** The kernel has a device of its. */
export function judgeTun({ status, kernelTrouble }: MeshFacts): Finding {
  if (!status) return NO_STATUS;
  if (!status.hasTun) {
    return fail(
      "userspace networking: the kernel knows no tailnet",
      "give tailscaled /dev/net/tun, and start it without --tun=userspace-networking",
    );
  }
  return kernelTrouble === undefined ? pass("the kernel has it") : fail(
    `the kernel cannot be asked for it: ${kernelTrouble}`,
    "see that headcni runs as root, in the network namespace of the node, and may use netlink",
  );
}

/** It has a key, and that is good. */
export function judgeKey(facts: MeshFacts): Finding {
  const { status, nowMs } = facts;
  if (!status) return NO_STATUS;
  const { self, backendState } = status;
  const lacksLogin = (seen: string) =>
    fail([seen, ...loginErrors(status)].join(": "), adviseLogin(status, facts));
  if (hasExpiredKey(self, nowMs)) return lacksLogin("the key of the node has expired");
  if (backendState === "NeedsLogin") return lacksLogin("the node is not logged in");
  const expiryMs = keyExpiryMs(self);
  if (expiryMs === undefined) return pass("the key of the node does not expire");
  return pass(`the key of the node is good for ${formatDays(expiryMs - nowMs)}`);
}

/** It does its work. */
export function judgeState({ status, socket }: MeshFacts): Finding {
  if (!status) return NO_STATUS;
  const { backendState, health } = status;
  if (backendState === "Running") {
    return pass(
      health.length === 0 ? backendState : `${backendState}, though: ${health.join(", ")}`,
    );
  }
  const fix = backendState === "Stopped"
    ? tailscaleCommand(socket, "up")
    : STATE_FIXES[backendState] ?? "see its log";
  return fail(`it is in the state "${backendState}"`, fix);
}

/** What cannot be told while tailscaled does not answer. */
export const NO_STATUS = unknown("tailscaled does not answer");

const STATE_FIXES: Readonly<Record<string, string>> = {
  NeedsLogin: "log the node in",
  NeedsMachineAuth: "let an administrator of the tailnet approve the node",
  Starting: "wait; if it stays so, see whether the node reaches its control server",
  NoState: "wait; if it stays so, see its log",
};

const HOUR_MS = 3_600_000;

function formatDays(durationMs: number): string {
  const hours = Math.floor(durationMs / HOUR_MS);
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}
