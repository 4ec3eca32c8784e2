/** Carries out the steps of an installation. */
import { dirname } from "@std/path";
import { ServiceUnit, type SystemdPlaces } from "../../delegate/service_unit.ts";
import { DAEMON_UNIT } from "../../node/daemon_unit.ts";
import { formatInstallRecord } from "../../node/install_record.ts";
import { formatInstallStep, type InstallStep } from "../../node/install_step.ts";
import { writeAtomically } from "../atomic_file.ts";
import {
  ioError,
  removeLeftOvers,
  replaceFile,
  replaceLink,
  syncDirectory,
} from "../replace_file.ts";
import { copyRelease, type Release, removeAll } from "./release.ts";

/** What steps need beside themselves. */
export interface ApplyOptions {
  /** What `copy-release` copies. */
  readonly release?: Release;
  readonly systemd: SystemdPlaces;
  /** How long the daemon may take to start, in milliseconds. */
  readonly startMs: number;
  /** Is told of each step before it is done. */
  readonly onStep?: (text: string) => void;
}

/**
 * Carries out steps in order.
 * @returns what was done, a line each; folders that were not empty are left out.
 * @throws HeadcniError `io-failure`, ClientError: the steps behind are not done.
 */
export async function applySteps(
  steps: readonly InstallStep[],
  options: ApplyOptions,
): Promise<string[]> {
  const done: string[] = [];
  for (const step of steps) {
    const text = formatInstallStep(step);
    options.onStep?.(text);
    if (await applyStep(step, options)) done.push(text);
  }
  return done;
}

/** Answers whether there was anything to do. */
async function applyStep(step: InstallStep, options: ApplyOptions): Promise<boolean> {
  const unit = () => new ServiceUnit(DAEMON_UNIT, options.systemd);
  // What one that was killed was making.
  const replaced = replacedBy(step);
  if (replaced !== undefined) removeLeftOvers(replaced);
  switch (step.kind) {
    case "make-folder":
      return makeFolder(step.path, step.mode);
    case "save":
      return copyAll(step.path, step.backup);
    case "record":
    case "complete":
      return writeAtomically(step.path, formatInstallRecord(step.record), { mode: 0o600 });
    case "copy-release":
      if (options.release) await copyRelease(options.release, step.folder);
      return true;
    case "link":
      replaceLink(step.path, step.target);
      return true;
    case "write":
      return writeAtomically(step.path, step.text, step);
    case "put-back":
      return copyAll(step.backup, step.path);
    case "remove":
      return removeIfPresent(step.path);
    case "remove-all":
      removeAll(step.path);
      return true;
    case "remove-empty":
      return removeIfEmpty(step.path);
    case "reload-units":
      await unit().reload();
      return true;
    case "enable-unit":
      await unit().enableOnly();
      return true;
    case "restart-unit":
      await unit().restart(options.startMs);
      return true;
  }
}

/** The file in the place of which a step puts another. */
function replacedBy(step: InstallStep): string | undefined {
  switch (step.kind) {
    case "save":
      return step.backup;
    case "record":
    case "complete":
    case "link":
    case "write":
    case "put-back":
      return step.path;
    default:
      return undefined;
  }
}

/** One that is there by now is not what it was planned for, and good. */
function makeFolder(path: string, mode: number): boolean {
  try {
    Deno.mkdirSync(path, { mode });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw ioError("make", path, cause);
  }
  return true;
}

/** With its owner, mode and time: what is put back is what was there. */
function copyAll(from: string, to: string): boolean {
  Deno.mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  replaceFile(to, (fresh) => {
    const { mode, uid, gid, mtime } = Deno.statSync(from);
    Deno.copyFileSync(from, fresh);
    if (uid !== null && gid !== null) Deno.chownSync(fresh, uid, gid);
    Deno.chmodSync(fresh, (mode ?? 0o600) & 0o7777);
    if (mtime) Deno.utimeSync(fresh, mtime, mtime);
  });
  return true;
}

function removeIfPresent(path: string): boolean {
  try {
    Deno.removeSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw ioError("remove", path, cause);
  }
  syncDirectory(dirname(path));
  return true;
}

/** False when something is in it, or it is gone. */
function removeIfEmpty(path: string): boolean {
  try {
    if (!Deno.readDirSync(path).next().done) return false;
    Deno.removeSync(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw ioError("remove", path, cause);
  }
}
