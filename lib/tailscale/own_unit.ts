/**
 * A tailscaled only for us: how it is run, and the systemd unit that does. It belongs to no other unit:
 * whatever becomes of ours, it and the tunnels of the pods stay.
 */

/** How a tailscaled of our own is run. */
export interface OwnTailscaled {
  /** Path of the executable. */
  readonly binary: string;
  readonly socket: string;
  /** Folder of its keys: who loses it is another node. */
  readonly stateDirectory: string;
  readonly interfaceName: string;
  /** UDP port; 0 takes any. */
  readonly port: number;
  readonly mtuBytes: number;
  /** Certificates in PEM that its control server's own may come from, beside the system's. */
  readonly caFile: string | undefined;
}

/** Name of its unit. */
export const OWN_UNIT = "headcni-tailscaled.service";

/** MTU that tailscaled gives its interface by itself: net/tstun/mtu.go. */
const DEFAULT_MTU_BYTES = 1280;

/** What it is run with, in a unit and in a container alike; no secret is among it. */
export function tailscaledArguments(own: OwnTailscaled): string[] {
  return [
    `--socket=${own.socket}`,
    `--statedir=${own.stateDirectory}`,
    `--tun=${own.interfaceName}`,
    `--port=${own.port}`,
    // Logs would go to a server that is none of the tailnet's.
    "--no-logs-no-support",
  ];
}

/** Variables that it is run with. */
export function tailscaledEnvironment(own: OwnTailscaled): Readonly<Record<string, string>> {
  return {
    // The identity of its log would lie in the folder of a tailscaled that is not ours.
    TS_LOGS_DIR: own.stateDirectory,
    ...own.mtuBytes !== DEFAULT_MTU_BYTES && { TS_DEBUG_MTU: String(own.mtuBytes) },
    // In the place of the system's one file; its folders count all the same: Go, crypto/x509, root_unix.go.
    ...own.caFile !== undefined && { SSL_CERT_FILE: own.caFile },
  };
}

/** The text of its unit. It is restarted for ever, and takes its firewall rules away when it ends. */
export function ownUnitText(own: OwnTailscaled): string {
  const cleanUp = ["--cleanup", `--tun=${own.interfaceName}`];
  const environment = Object.entries(tailscaledEnvironment(own));
  return [
    "# Written by headcni, and written again when it is changed: what is to be different belongs into",
    `# a drop-in, by "systemctl edit ${OWN_UNIT}".`,
    "[Unit]",
    "Description=tailscaled of HeadCNI, which carries the pods' packets to other nodes",
    "Wants=network-pre.target",
    "After=network-pre.target NetworkManager.service systemd-resolved.service",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    ...environment.map(([name, value]) => `Environment=${quoteValue(`${name}=${value}`)}`),
    `ExecStart=${formatCommand(own.binary, tailscaledArguments(own))}`,
    `ExecStopPost=${formatCommand(own.binary, cleanUp)}`,
    "Restart=always",
    "RestartSec=1",
    ...runtimeDirectoryLines(own.socket),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/**
 * Our run directory, which holds more than its socket: made after a boot by whoever comes first, and
 * left alone when the unit stops.
 */
function runtimeDirectoryLines(socket: string): string[] {
  const directory = /^(?:\/var)?\/run\/([^\s%"'\\]+)\/[^/]+$/.exec(socket)?.[1];
  if (directory === undefined) return [];
  return [
    `RuntimeDirectory=${directory}`,
    "RuntimeDirectoryMode=0700",
    "RuntimeDirectoryPreserve=yes",
  ];
}

/** Variables are put into the words behind the executable: systemd.service(5), "Command lines". */
function formatCommand(executable: string, args: readonly string[]): string {
  const words = args.map((word) => quoteValue(word.replaceAll("$", "$$$$")));
  return [quoteValue(executable), ...words].join(" ");
}

/** systemd.syntax(7), "Quoting"; a `%` would begin a specifier. */
function quoteValue(text: string): string {
  const value = text.replaceAll("%", "%%");
  if (/^[\w@%+=:,./$-]+$/.test(value)) return value;
  return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}
