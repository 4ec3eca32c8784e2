/** Reads the settings from where they are: the command line, the environment, the file. */
import { ConfigError, errorText } from "../../errors.ts";
import { faulty, formatFault, joinLayers } from "./given.ts";
import type { CommandLine } from "./read_flags.ts";
import type { SettingsFile } from "./read_text.ts";
import { type Resolution, resolveSettings } from "./resolve.ts";
import type { Secret } from "./secret.ts";
import type { LoadedSettings, Settings } from "./settings.ts";

/** The file that is read when neither `--config` nor `HEADCNI_CONFIG` names one; it may be missing. */
export const DEFAULT_SETTINGS_PATH = "/etc/headcni/daemon.yaml";

/** Largest file in bytes; a ConfigMap holds no more. */
const MAX_FILE_BYTES = 1024 * 1024;

const HALF_WRITTEN = "it is empty, as one that is half-written; for all defaults write a comment";

/** What is asked beside the settings themselves. */
export interface SettingsRequest {
  /** Flags, already read. */
  readonly line: CommandLine;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Another place than {@linkcode DEFAULT_SETTINGS_PATH}, for tests. */
  readonly defaultPath?: string;
  /** Other settings are in use: a file that is empty by now is one that somebody has yet to write. */
  readonly isReload?: boolean;
}

/** A resolution, and the file that it is of. */
export interface Examination extends Resolution {
  /** Undefined when there is none. */
  readonly file: string | undefined;
  /** Where it is, or would be looked for. */
  readonly path: string;
}

/** Reads everything and answers all that is wrong; throws nothing. */
export function examineSettings(request: SettingsRequest): Examination {
  const examined = readAndResolve(request);
  const warnings = [...examined.warnings, ...secretWarnings(examined.settings)];
  return { ...examined, warnings };
}

/**
 * Reads the settings, on a start and on a reload alike.
 * @throws ConfigError whose details are all faults, one a line.
 */
export function loadSettings(request: SettingsRequest): LoadedSettings {
  const { settings, origins, faults, warnings, file, path } = examineSettings(request);
  if (settings) return { settings, origins, warnings, file, path };
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  throw new ConfigError("invalid-config", `Cannot use the settings of the daemon: ${count}`, {
    details: faults.map(formatFault).join("\n"),
  });
}

function readAndResolve({ line, env, defaultPath, isReload }: SettingsRequest): Examination {
  const named = line.configPath || env.HEADCNI_CONFIG || undefined;
  const path = named ?? defaultPath ?? DEFAULT_SETTINGS_PATH;
  const hostname = Deno.hostname();
  try {
    const file = readSettingsFile(path, named !== undefined);
    if (isReload && file?.text.trim() === "") throw new Error(HALF_WRITTEN);
    return { ...resolveSettings({ flags: line, env, file, hostname }), file: file?.path, path };
  } catch (error) {
    const isDenied = error instanceof Deno.errors.PermissionDenied;
    const text = isDenied ? "it belongs to root, run this as root" : errorText(error);
    const flags = joinLayers([line, faulty({ where: path, text })]);
    return { ...resolveSettings({ flags, env, file: undefined, hostname }), file: path, path };
  }
}

/** The file of a secret may be mounted later: no fault yet. */
function secretWarnings(settings: Settings | undefined): string[] {
  const secrets: [string, Secret | undefined][] = [
    ["headscale.authKey", settings?.headscale.authKey],
    ["tailscale.authKey", settings?.tailscale.authKey],
  ];
  return secrets.flatMap(([key, secret]) => {
    if (secret?.file === undefined || isFile(secret.file)) return [];
    return [`${key}: there is no file "${secret.file}"`];
  });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * The text of a file, and whether secrets may stand in it.
 * @throws Error that tells why it cannot be read.
 */
function readSettingsFile(path: string, isNamed: boolean): SettingsFile | undefined {
  const found = statFile(path);
  if (!found && !isNamed) return undefined;
  if (!found) throw new Error("there is no such file");
  // Opening a FIFO would wait for a writer, maybe for ever.
  if (!found.isFile) throw new Error("it is no regular file");
  using file = Deno.openSync(path);
  const { size, mode, uid } = file.statSync();
  if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, ${MAX_FILE_BYTES} are allowed`);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(readAll(file, size));
  return { path, text, isPrivate: uid === 0 && ((mode ?? 0o777) & 0o077) === 0 };
}

function readAll(file: Deno.FsFile, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function statFile(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
