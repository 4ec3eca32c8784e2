/**
 * Keeps a tailscaled only for us running, by a unit of systemd or a container that is not our child: our
 * own end, or a new release of ours, takes no tunnel down. Its folder of keys is never removed.
 */
import { join } from "@std/path";
import { ServiceUnit, SYSTEMD, type SystemdPlaces } from "../delegate/service_unit.ts";
import {
  OWN_UNIT,
  type OwnTailscaled,
  ownUnitText,
  tailscaledArguments,
  tailscaledEnvironment,
} from "../tailscale/own_unit.ts";
import { writeAtomically } from "./atomic_file.ts";
import type { Settings } from "./settings/settings.ts";

/** What came of it. */
export interface OwnOutcome {
  /** What was changed, one text each. */
  readonly done: readonly string[];
  /** What a person must do; undefined when nothing is left. */
  readonly todo: string | undefined;
  /** What a person may do when it suits; undefined when nothing is left. */
  readonly warning?: string | undefined;
}

/** What it is looked for by. */
export interface OwnOptions {
  /** `PATH` of our environment. */
  readonly searchPath?: string | undefined;
  /** Others than those of a node, for tests. */
  readonly systemd?: SystemdPlaces;
  readonly binaryFolders?: readonly string[];
}

const BINARY_NAME = "tailscaled";
/** Where packages put it, which the `PATH` of a service need not have. */
const BINARY_FOLDERS = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
const NOTHING: OwnOutcome = { done: [], todo: undefined };

/** The socket of the tailscaled that is asked; undefined when `tailscale.mode` is `off`. */
export function tailscaleSocket(
  settings: Pick<Settings, "tailscale" | "runDirectory">,
): string | undefined {
  const { mode, socket } = settings.tailscale;
  if (mode === "off") return undefined;
  return mode === "host" ? socket.path : ownSocket(settings);
}

/** The socket of a tailscaled of our own, whatever the mode is. */
export function ownSocket(
  { tailscale, runDirectory }: Pick<Settings, "tailscale" | "runDirectory">,
): string {
  return join(runDirectory, tailscale.socket.name);
}

/** Where a tailscaled of our own has its keys. */
export function ownStateDirectory({ dataDir }: Pick<Settings, "dataDir">): string {
  return join(dataDir, "tailscale");
}

/** True when somebody can be asked on a socket. */
export async function isListening(socket: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Looks after the tailscaled of mode `own`: writes its unit where that is not as it should be, and
 * starts it where nobody listens on its socket. One that runs is never stopped, with another mode
 * neither.
 * @param root what the node's own paths are below; with one we are in a container, without systemd.
 * @throws ClientError when systemctl fails, HeadcniError `io-failure` when the unit cannot be written.
 */
export async function keepOwnTailscaled(
  settings: Settings,
  root: string,
  { searchPath, systemd = SYSTEMD, binaryFolders = BINARY_FOLDERS }: OwnOptions = {},
): Promise<OwnOutcome> {
  const { tailscale } = settings;
  const unit = new ServiceUnit(OWN_UNIT, systemd);
  if (tailscale.mode !== "own") {
    const isLeft = root === "" && unit.isEnabled();
    return isLeft ? { done: [], todo: leftText(tailscale.mode) } : NOTHING;
  }
  const isUp = await isListening(ownSocket(settings));
  if (root !== "" || !unit.isPossible()) {
    return isUp ? NOTHING : { done: [], todo: containerText(settings) };
  }
  // Somebody runs it in a container of its own.
  if (isUp && !unit.isWritten()) return NOTHING;
  if (!unit.isWritten() && await isListening(tailscale.socket.path)) {
    return { done: [], todo: twoText(tailscale.socket.path) };
  }
  const binary = tailscale.binary ?? findBinary(searchPath, binaryFolders);
  if (binary === undefined || !isFile(binary)) {
    return { done: [], todo: isUp ? undefined : missingText(tailscale.binary) };
  }
  return await keepUnit(unit, ownTailscaled(settings, binary), isUp);
}

async function keepUnit(
  unit: ServiceUnit,
  own: OwnTailscaled,
  isUp: boolean,
): Promise<OwnOutcome> {
  const done: string[] = [];
  Deno.mkdirSync(own.stateDirectory, { recursive: true, mode: 0o700 });
  const isChanged = writeAtomically(unit.path, ownUnitText(own), { mode: 0o644 });
  if (isChanged) {
    await unit.reload();
    done.push(`wrote "${unit.path}"`);
  }
  const state = isUp ? "active" : await unit.state();
  if (!isUp && state === "active") return { done, todo: deafText(own.socket) };
  // A start would cancel what a person has begun, or what systemd does by itself.
  if (/^(de)?activating$/.test(state)) return { done, todo: undefined };
  if (!isUp || !unit.isEnabled()) {
    await unit.enable();
    done.push(`started "${unit.name}"`);
  }
  const isOld = isUp && isOlder(own.socket, unit.path);
  return { done, todo: undefined, warning: isOld ? restartText() : undefined };
}

/** A socket is as old as the process that listens on it. */
function isOlder(socket: string, unit: string): boolean {
  const [began, written] = [socket, unit].map((path) => Deno.statSync(path).mtime?.getTime() ?? 0);
  return (began ?? 0) < (written ?? 0);
}

function ownTailscaled(settings: Settings, binary: string): OwnTailscaled {
  const { tailscale, headscale } = settings;
  return {
    binary,
    socket: ownSocket(settings),
    stateDirectory: ownStateDirectory(settings),
    interfaceName: tailscale.interfaceName,
    port: tailscale.port,
    mtuBytes: tailscale.mtu,
    caFile: headscale.caFile,
  };
}

function findBinary(
  searchPath: string | undefined,
  folders: readonly string[],
): string | undefined {
  const absolute = (searchPath ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return [...absolute, ...folders].map((folder) => join(folder, BINARY_NAME)).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // whatever is wrong with it: it cannot be run
  }
}

const CANNOT = "Cannot run a tailscaled of our own";

function containerText(settings: Settings): string {
  const own = ownTailscaled(settings, settings.tailscale.binary ?? BINARY_NAME);
  const environment = Object.entries(tailscaledEnvironment(own)).map(([name, value]) =>
    `${name}=${value}`
  );
  return `${CANNOT}: no systemd is in reach, and nobody listens on "${own.socket}"; run it in a ` +
    "container of its own, in the network of the node, with this folder of sockets and " +
    `"${own.stateDirectory}": ` +
    [...environment, own.binary, ...tailscaledArguments(own)].join(" ");
}

function twoText(socket: string): string {
  return `${CANNOT}: another one listens on "${socket}", and two on a node undo each other's rules; ` +
    'stop that one, or set tailscale.mode to "host"';
}

function missingText(binary: string | undefined): string {
  const seen = binary === undefined ? "there is none on this node" : `"${binary}" is no file`;
  return `${CANNOT}: ${seen}; install tailscale, or name it by tailscale.binary`;
}

function deafText(socket: string): string {
  return `${CANNOT}: "${OWN_UNIT}" is active, but nobody listens on "${socket}"; see ` +
    `"journalctl -u ${OWN_UNIT}", and "systemctl restart ${OWN_UNIT}" if its settings changed`;
}

function leftText(mode: string): string {
  return `"${OWN_UNIT}" is still enabled, but tailscale.mode is "${mode}", and two on a node undo ` +
    `each other's rules; systemctl disable --now ${OWN_UNIT}`;
}

function restartText(): string {
  return `"${OWN_UNIT}" runs with older settings than those that are written; ` +
    `"systemctl restart ${OWN_UNIT}" when its tunnels may be gone for a moment`;
}
