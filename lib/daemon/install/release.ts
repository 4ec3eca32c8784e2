/**
 * Releases: the program by which this runs, as a folder that needs nothing outside of it. The script form
 * names its folder in its launcher, so that is written anew in each place.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "@std/path";
import { isPresent } from "../../attach/left_over.ts";
import { tryProgram } from "../../delegate/try_program.ts";
import { ConfigError, errorText, HeadcniError } from "../../errors.ts";
import { releaseFolder } from "../../node/install_plan.ts";
import { RELEASE_NAME } from "../../node/install_record.ts";
import { launcherFolder, launcherText } from "../../node/launcher.ts";
import { VERSION } from "../../version.ts";
import { fileHash } from "../binaries.ts";
import { ioError, syncDirectory } from "../replace_file.ts";

/** A program that can be installed. */
export interface Release {
  /** Such as `0.1.0-3f9c2a81b04d`: the same content has the same name. */
  readonly name: string;
  /** Where it is: the executable, or the folder of the script form. */
  readonly source: string;
  /** By path in the release where each is copied from. */
  readonly files: ReadonlyMap<string, string>;
  /** Its executable is a launcher that is written anew. */
  readonly isScript: boolean;
}

/** The executable, and the other names that choose a role. */
const NAME = "headcni";
const OTHER_NAMES = ["headcni-ipam", "headcni-daemon"];
/** How an executable of Linux begins: ELF specification, "ELF Identification". */
const ELF_MAGIC = "\x7fELF";
/** A launcher has some 300. */
const HEAD_BYTES = 4096;

/**
 * The release that an executable of ours is of: this very one, by whatever path it was called.
 * @param executable undefined when we run from our source.
 * @throws ConfigError when it cannot be installed.
 */
export async function readRelease(executable: string | undefined): Promise<Release> {
  if (executable === undefined) {
    throw new ConfigError(
      "invalid-config",
      "Cannot install: this runs from its source; build it first, by deno task build",
    );
  }
  const head = readHead(executable);
  const folder = launcherFolder(head);
  if (folder === undefined && !head.startsWith(ELF_MAGIC)) {
    throw new ConfigError("invalid-config", `Cannot install "${executable}": it is no headcni`);
  }
  const files = folder === undefined ? new Map([[NAME, executable]]) : scriptFiles(folder);
  const hash = await contentHash(files);
  const name = `${VERSION}-${hash.slice(0, 12)}`;
  return { name, source: folder ?? executable, files, isScript: folder !== undefined };
}

/** Names of the releases below a prefix, and what a copy that was killed left. */
export function listReleases(prefix: string): string[] {
  try {
    return Array.from(Deno.readDirSync(join(prefix, "releases")), ({ name }) => name)
      .filter((name) => RELEASE_NAME.test(name.replace(/^\.(.+)\.(?:new|old)$/, "$1")))
      .toSorted();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw ioError("look into", join(prefix, "releases"), error);
  }
}

/** Whether a release is there with all that it consists of. */
export async function isWhole(release: Release, prefix: string): Promise<boolean> {
  const folder = releaseFolder(prefix, release.name);
  try {
    if (release.isScript && readHead(join(folder, NAME)) !== launcherText(folder)) return false;
    for (const name of OTHER_NAMES) Deno.statSync(join(folder, name));
    const there = Array.from(release.files.keys(), (path) => [path, join(folder, path)] as const);
    return release.name.endsWith((await contentHash(new Map(there))).slice(0, 12));
  } catch {
    return false; // whatever is wrong with it: it is made anew
  }
}

/**
 * Copies a release to its place: there it is whole, and on disk, or not at all. Then it is tried.
 * @throws HeadcniError `io-failure`.
 */
export async function copyRelease(release: Release, folder: string): Promise<void> {
  const [fresh, old] = ["new", "old"].map((end) =>
    join(dirname(folder), `.${release.name}.${end}`)
  ) as [string, string];
  try {
    removeAll(fresh);
    fill(release, fresh, folder);
    removeAll(old);
    if (isPresent(folder)) Deno.renameSync(folder, old);
    Deno.renameSync(fresh, folder);
    removeAll(old);
  } catch (cause) {
    removeAll(fresh);
    throw ioError("copy the program to", folder, cause);
  }
  syncDirectory(dirname(folder));
  const failure = await tryProgram(folder);
  if (failure === undefined) return;
  removeAll(folder);
  throw new HeadcniError("io-failure", `Cannot use what was copied to "${folder}": ${failure}`);
}

/**
 * Removes a folder with all that is in it; an absent one is no fault.
 * @throws HeadcniError `io-failure`.
 */
export function removeAll(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw ioError("remove", path, cause);
  }
}

function fill(release: Release, fresh: string, folder: string): void {
  const made = new Set([fresh]);
  Deno.mkdirSync(fresh, { recursive: true, mode: 0o755 });
  for (const [path, source] of release.files) {
    const to = join(fresh, path);
    Deno.mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
    made.add(dirname(to));
    Deno.copyFileSync(source, to);
    // Bundles are read, and everything else is run.
    finish(to, path.endsWith(".js") ? 0o644 : 0o755);
  }
  if (release.isScript) {
    Deno.writeTextFileSync(join(fresh, NAME), launcherText(folder));
    finish(join(fresh, NAME), 0o755);
  }
  for (const name of OTHER_NAMES) Deno.symlinkSync(NAME, join(fresh, name));
  for (const path of made) syncDirectory(path);
}

function finish(path: string, mode: number): void {
  Deno.chmodSync(path, mode);
  using file = Deno.openSync(path);
  file.syncSync();
}

/** Bundles, and the Deno that runs them. */
function scriptFiles(folder: string): Map<string, string> {
  const libexec = join(folder, "libexec");
  try {
    const paths = listFiles(libexec).filter((path) => path === "deno" || path.endsWith(".js"));
    return new Map(paths.toSorted().map((path) => [`libexec/${path}`, join(libexec, path)]));
  } catch (cause) {
    throw ioError("read the program", libexec, cause);
  }
}

/** Paths in a folder and those in it; what a build has not finished is passed over. */
function listFiles(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    if (!isDirectory) return [name];
    return name.endsWith(".new")
      ? []
      : listFiles(join(folder, name)).map((path) => `${name}/${path}`);
  });
}

async function contentHash(files: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash("sha256");
  for (const [path, source] of files) hash.update(`${path} ${await fileHash(source)}\n`);
  return hash.digest("hex");
}

function readHead(path: string): string {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(HEAD_BYTES);
    return new TextDecoder("latin1").decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot read "${path}": ${errorText(cause)}`, { cause });
  }
}
