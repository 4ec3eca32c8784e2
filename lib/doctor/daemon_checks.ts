/** The daemon and its settings. */
import { type Check, checksOf } from "./check.ts";
import { fail, failOn, type Finding, pass, skip, warn, warnOn } from "./finding.ts";
import type { DaemonSight, SettingsSight } from "./sight.ts";

/** What everything else stands on. */
export const DAEMON_CHECKS: readonly Check[] = [
  ...checksOf("daemon", "settings", [
    ["settings", "settings of the daemon", "settings-of-the-daemon", judgeSettings],
  ]),
  ...checksOf("daemon", "daemon", [
    ["daemon", "daemon answers", "the-daemon-does-not-start", judgeAnswer],
    ["daemon-release", "release of the daemon", "run-it", judgeRelease],
    ["ready", "daemon calls the node ready", "health", judgeReady],
    ["daemon-warnings", "what the daemon warns of", "health", judgeWarnings],
  ]),
];

function judgeSettings({ path, faults, warnings }: SettingsSight): Finding {
  if (faults.length > 0) return failOn(faults, `mend them: headcni config validate ${path}`, "");
  return warnOn(warnings, `see ${path}`, path);
}

/** Pods start and stop without one, but what others break stays broken. */
function judgeAnswer({ status, trouble, isExpected }: DaemonSight): Finding {
  if (status) return pass(`release ${status.version}`);
  return isExpected
    ? fail(trouble, "start it: systemctl restart headcni; journalctl -u headcni says why it ended")
    : warn(
      `${trouble}: nothing on this node is mended`,
      'run it as a service: "headcni install" does that',
    );
}

function judgeRelease({ status, version }: DaemonSight): Finding {
  if (!status) return NO_ANSWER;
  return status.version === version ? pass(`${version}, as this program`) : warn(
    `the daemon is ${status.version}, this program ${version}`,
    "restart the daemon of the newer release: systemctl restart headcni",
  );
}

/** What the tailnet lacks has checks of its own. */
function judgeReady({ status }: DaemonSight): Finding {
  if (!status) return NO_ANSWER;
  const reasons = status.reasons.filter((reason) => !reason.startsWith("mesh:"));
  return failOn(reasons, "see the checks below, and journalctl -u headcni", "it does");
}

function judgeWarnings({ status }: DaemonSight): Finding {
  if (!status) return NO_ANSWER;
  return warnOn(status.warnings, "do what they say", "none");
}

const NO_ANSWER = skip("the daemon does not answer");
