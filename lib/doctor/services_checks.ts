/** Other programs of the node that change what pods need. */
import { type Check, checksOf } from "./check.ts";
import { fail, type Finding, pass, warnOn } from "./finding.ts";
import type { ServicesSight } from "./sight.ts";

const OUTSIDE = "pods-cannot-reach-the-outside";

/** By their files; whether they do it at the moment is told by the other checks. */
export const SERVICES_CHECKS: readonly Check[] = checksOf("other-programs", "services", [
  ["networkd", "systemd-networkd", OUTSIDE, judgeNetworkd],
  ["network-manager", "NetworkManager", OUTSIDE, judgeNetworkManager],
  ["sysctl-files", "files of sysctl.d", OUTSIDE, judgeSysctlFiles],
  ["foreign-cni", "no files of another CNI", "flannel", judgeForeignFiles],
  ["clock", "clock", "the-mesh", judgeClock],
]);

/** It removes at each of its starts what it did not make itself: networkd.conf(5). */
function judgeNetworkd({ networkd }: ServicesSight): Finding {
  if (!networkd) return pass("it does not run");
  const { manageForeignRoutes, manageForeignRules } = networkd;
  const faults = [
    ...isOff(manageForeignRoutes) ? [] : ["ManageForeignRoutes is not off: it removes our routes"],
    ...isOff(manageForeignRules) ? [] : [
      "ManageForeignRoutingPolicyRules is not off: it removes our rules, and those of tailscaled",
    ],
  ];
  return warnOn(
    faults,
    "in /etc/systemd/networkd.conf, [Network]: ManageForeignRoutes=no, " +
      "ManageForeignRoutingPolicyRules=no; then systemctl restart systemd-networkd",
    "it leaves routes and rules of others alone",
  );
}

/** systemd.syntax(7): how a boolean is written. */
function isOff(value: string | undefined): boolean {
  return /^(no|n|false|f|off|0)$/i.test(value ?? "");
}

function judgeNetworkManager({ unmanaged, bridge }: ServicesSight): Finding {
  if (!unmanaged) return pass("it does not run");
  const isNamed = unmanaged.some((pattern) => matches(pattern, bridge));
  return warnOn(
    isNamed ? [] : [`it may manage ${bridge}: no unmanaged-devices names it`],
    "in /etc/NetworkManager/conf.d/headcni.conf, [keyfile]: unmanaged-devices=" +
      `interface-name:${bridge};interface-name:veth*; then systemctl reload NetworkManager`,
    `it leaves ${bridge} alone`,
  );
}

/** `interface-name:` with the wildcards `*` and `?`, or a bare name: NetworkManager.conf(5). */
function matches(pattern: string, name: string): boolean {
  const glob = pattern.replace(/^interface-name:=?/, "");
  const source = glob.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`).test(name);
}

function judgeSysctlFiles({ sysctlFiles }: ServicesSight): Finding {
  return warnOn(
    sysctlFiles.map((text) => `${text}: a boot, or sysctl --system, switches forwarding off`),
    "change it to 1",
    "none switches forwarding off",
  );
}

function judgeForeignFiles({ foreignFiles }: ServicesSight): Finding {
  return warnOn(
    foreignFiles.map((path) => `${path} is of another CNI`),
    "remove that CNI's DaemonSet, then the file",
    "none",
  );
}

/** A clock that is only set later: a node without a battery wakes up years ago. */
const MAX_BEHIND_MS = 600_000;

/** With a clock that is behind no certificate is good yet, and no key of the tailnet. */
function judgeClock({ now, latest }: ServicesSight): Finding {
  if (now.ms + MAX_BEHIND_MS >= latest.ms) return pass("not behind what is on this node");
  return fail(
    `it is ${now.text}, but ${latest.what} is of ${latest.text}`,
    "set the clock: timedatectl set-ntp true",
  );
}
