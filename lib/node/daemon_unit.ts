/** The unit of systemd that runs the daemon. */
import { ConfigError } from "../errors.ts";
import { isPlainPath } from "./launcher.ts";

/** Name of the unit. */
export const DAEMON_UNIT = "headcni.service";

/** How each text of the unit begins, of any release. */
export const UNIT_MARK = "# Written by headcni install";

/**
 * The text of the unit. It counts as started when the node was looked at, which on a node that waits for
 * its disks can take any time. No `RuntimeDirectory`: systemd would remove the plugins' locks with it.
 * @param executable absolute path of the program.
 * @param config file of settings; undefined for the one that the daemon looks for by itself.
 * @throws ConfigError for a path that systemd would read as something else.
 */
export function daemonUnitText(executable: string, config?: string): string {
  const command = [executable, "daemon", ...config === undefined ? [] : ["--config", config]];
  const odd = [executable, config ?? "/"].find((path) => !isPlainPath(path));
  if (odd !== undefined) {
    throw new ConfigError(
      "invalid-config",
      `Cannot name "${odd}" in a unit of systemd: only letters, digits and ./+@:,_- are taken`,
    );
  }
  return [
    `${UNIT_MARK}; what is to be different belongs into a drop-in,`,
    `# by "systemctl edit ${DAEMON_UNIT}".`,
    "[Unit]",
    "Description=HeadCNI node daemon",
    "After=local-fs.target network.target",
    "",
    "[Service]",
    "Type=notify",
    `ExecStart=${command.join(" ")}`,
    "ExecReload=/bin/kill -HUP $MAINPID",
    "Restart=always",
    "RestartSec=2",
    "TimeoutStartSec=infinity",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}
