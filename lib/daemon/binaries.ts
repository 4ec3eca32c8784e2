/** Keeps our executables where runtimes look for plugins. */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { log } from "../log.ts";
import { ioError, removeLeftOvers, replaceFile } from "./replace_file.ts";

/** An executable that was put into its place. */
export interface InstalledBinary {
  readonly path: string;
  /** What was there before: nothing, or other content. */
  readonly reason: "missing" | "different";
}

/** An executable as it was found. */
export interface SeenBinary {
  readonly path: string;
  readonly name: string;
  readonly state: "same" | "different" | "missing" | "not-executable";
}

/** Paths of our names in a folder. */
export interface FoundBinaries {
  readonly ours: readonly string[];
  /** Somebody else's, or of another release. */
  readonly others: readonly string[];
}

/** The names by which runtimes call us, and the one that others have, too. */
export const BINARY_NAMES: readonly string[] = ["headcni", "headcni-ipam", "loopback"];

/**
 * Makes each name an executable of the same content as `source`: `headcni` a copy, others symlinks to it.
 * Both forms of the executable work as copies, for the script form names its bundles by absolute
 * path, and our role is the name by which we are called. What has the content already, a symlink to
 * `source` too, is left alone, and so is a `loopback` that is not ours.
 * @param binDirectory is made if it is missing.
 * @param source path of the executable on this node.
 * @returns what was changed.
 * @throws HeadcniError `io-failure`.
 */
export async function assertBinaries(
  binDirectory: string,
  source: string,
  names: readonly string[] = BINARY_NAMES,
): Promise<InstalledBinary[]> {
  const wanted = await fileHash(source).catch((cause) => {
    throw ioError("read the executable", source, cause);
  });
  makeDirectory(binDirectory);
  const installed: InstalledBinary[] = [];
  // The symlinks lead to it, so it is first, and there even when it was not asked for.
  for (const name of [MAIN_NAME, ...names.filter((name) => name !== MAIN_NAME)]) {
    const path = join(binDirectory, name);
    removeLeftOvers(path);
    const found = isExecutable(path) ? await fileHash(path).catch(() => undefined) : undefined;
    if (found === wanted || name === SHARED_NAME && isTheirs(path)) continue;
    place(path, name, source);
    // A file that nobody can execute is as good as none.
    installed.push({ path, reason: found === undefined ? "missing" : "different" });
    log.info("Installed an executable", { path });
  }
  if (installed.length > 0) await verify(join(binDirectory, MAIN_NAME), source, wanted);
  return installed;
}

/**
 * Removes those of our names that have the content of `source`, the symlinks to them first.
 * @param source undefined: none is ours for certain.
 * @returns paths that are gone, and those that are somebody else's, or of another release.
 * @throws HeadcniError `io-failure`.
 */
export async function removeBinaries(
  binDirectory: string,
  source: string | undefined,
): Promise<{ readonly removed: readonly string[]; readonly others: readonly string[] }> {
  const { ours, others } = await findBinaries(binDirectory, source);
  for (const path of ours) {
    try {
      Deno.removeSync(path);
    } catch (cause) {
      throw ioError("remove", path, cause);
    }
  }
  return { removed: ours, others };
}

/**
 * Tells those of our names that have the content of `source` from those of others, symlinks first.
 * @throws HeadcniError `io-failure`.
 */
export async function findBinaries(
  binDirectory: string,
  source: string | undefined,
): Promise<FoundBinaries> {
  const wanted = source === undefined ? undefined : await fileHash(source).catch((cause) => {
    throw ioError("read the executable", source, cause);
  });
  const ours: string[] = [];
  const others: string[] = [];
  for (const name of BINARY_NAMES.toReversed()) {
    const path = join(binDirectory, name);
    const found = await fileHash(path).catch(() => undefined);
    if (found === undefined) continue;
    if (found === wanted) ours.push(path);
    // Those of the reference plugins are nobody's news.
    else if (name !== SHARED_NAME) others.push(path);
  }
  return { ours, others };
}

/**
 * Tells what stands under each of our names, and changes nothing.
 * @param source path of the executable that runs; undefined: whatever is there is taken for ours.
 */
export async function examineBinaries(
  binDirectory: string,
  source: string | undefined,
): Promise<SeenBinary[]> {
  const wanted = source === undefined ? undefined : await fileHash(source).catch(() => undefined);
  return await Promise.all(BINARY_NAMES.map(async (name) => {
    const path = join(binDirectory, name);
    const hash = await fileHash(path).catch(() => undefined);
    if (hash === undefined) return { path, name, state: "missing" };
    if (!isExecutable(path)) return { path, name, state: "not-executable" };
    return { path, name, state: wanted === undefined || hash === wanted ? "same" : "different" };
  }));
}

const MAIN_NAME = "headcni";
/** Of the reference plugins, whose file of that name must stay. */
const SHARED_NAME = "loopback";
const EXECUTABLE_MODE = 0o755;

/** Content by inode and times: an executable of 100 MB is not read again every 30 seconds. */
const hashes = new Map<string, { readonly stamp: string; readonly hash: string }>();

/** SHA-256 of a file, symlinks followed, in hexadecimal. */
export async function fileHash(path: string): Promise<string> {
  const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
  const file = `${dev} ${ino}`; // whatever its names are
  const stamp = [size, mtime?.getTime(), ctime?.getTime()].join();
  const known = hashes.get(file);
  if (known?.stamp === stamp) return known.hash;
  using opened = await Deno.open(path);
  const hasher = createHash("sha256");
  const chunk = new Uint8Array(64 * 1024);
  for (let length = await opened.read(chunk); length !== null; length = await opened.read(chunk)) {
    hasher.update(chunk.subarray(0, length));
  }
  const hash = hasher.digest("hex");
  hashes.set(file, { stamp, hash });
  return hash;
}

/** A new file under another name first: a runtime may be executing the old one. */
function place(path: string, name: string, source: string): void {
  if (name !== MAIN_NAME) {
    replaceFile(path, (fresh) => Deno.symlinkSync(MAIN_NAME, fresh));
    return;
  }
  replaceFile(path, (fresh) => {
    Deno.copyFileSync(source, fresh);
    Deno.chmodSync(fresh, EXECUTABLE_MODE);
  });
}

function isExecutable(path: string): boolean {
  try {
    return ((Deno.statSync(path).mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** True for a file, or a symlink to one, that is no symlink to ours; one that leads nowhere is nobody's. */
function isTheirs(path: string): boolean {
  try {
    Deno.statSync(path);
    return !(Deno.lstatSync(path).isSymlink && Deno.readLinkSync(path) === MAIN_NAME);
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** `source` may have been replaced while it was copied: then the next call does it again. */
async function verify(path: string, source: string, wanted: string): Promise<void> {
  const found = await fileHash(path);
  if (found === wanted) return;
  throw ioError("install", path, new Error(`"${source}" changed while it was copied`));
}

function makeDirectory(directory: string): void {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw ioError("make the folder", directory, cause);
  }
}
