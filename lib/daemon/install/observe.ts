/** What is on a node, for the plans of an installation. */
import { readSysctl } from "../../linux/sysctl.ts";
import { type InstallRecord, parseInstallRecord } from "../../node/install_record.ts";
import { installRecordPath } from "../../node/install_plan.ts";
import type { Found } from "../../node/install_step.ts";
import { ioError } from "../replace_file.ts";

/** Units and settings are shorter; what is longer is none of them. */
const MAX_TEXT_BYTES = 64 * 1024;

/** Forwarding, which the first pod turns on. */
const SYSCTLS = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];

/**
 * What is at each path.
 * @throws HeadcniError `io-failure`.
 */
export function observePaths(paths: readonly string[]): ReadonlyMap<string, Found> {
  return new Map(paths.map((path) => [path, observePath(path)]));
}

/** Those of some folders that are there. */
export function presentFolders(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.filter((path) => {
    try {
      return Deno.statSync(path).isDirectory;
    } catch {
      return false; // to make it will tell what is wrong
    }
  }));
}

/** Forwarding as it is, by the name of the sysctl. */
export function readForwarding(): Readonly<Record<string, string>> {
  return Object.fromEntries(SYSCTLS.flatMap((name) => {
    const value = readSysctl(name.split("."));
    return value === undefined ? [] : [[name, value]];
  }));
}

/**
 * The record of the installation; undefined where there is none.
 * @throws ConfigError when it makes no sense, HeadcniError `io-failure`.
 */
export function readInstallRecord(dataDir: string): InstallRecord | undefined {
  const path = installRecordPath(dataDir);
  try {
    return parseInstallRecord(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw ioError("use the record of the install", path, error);
  }
}

/**
 * Whether a file has the content of another; false for what is no file.
 * @throws HeadcniError `io-failure`.
 */
export function hasContentOf(path: string, other: string): boolean {
  try {
    const [one, two] = [path, other].map((each) => Deno.lstatSync(each));
    if (!one?.isFile || !two?.isFile || one.size !== two.size) return false;
    using files = new DisposableStack();
    const [first, second] = [path, other].map((each) => files.use(Deno.openSync(each)));
    return first !== undefined && second !== undefined && isSameToEnd(first, second);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw ioError("compare", path, error);
  }
}

function isSameToEnd(one: Deno.FsFile, other: Deno.FsFile): boolean {
  const [here, there] = [new Uint8Array(MAX_TEXT_BYTES), new Uint8Array(MAX_TEXT_BYTES)];
  for (;;) {
    const [count, otherCount] = [one.readSync(here), other.readSync(there)];
    if (count !== otherCount) return false;
    if (count === null) return true;
    if (here.subarray(0, count).some((byte, at) => byte !== there[at])) return false;
  }
}

function observePath(path: string): Found {
  try {
    const { isSymlink, isFile, isDirectory, size } = Deno.lstatSync(path);
    if (isSymlink) return { kind: "link", target: Deno.readLinkSync(path) };
    if (isDirectory) return { kind: "folder" };
    if (!isFile) return { kind: "other" };
    return { kind: "file", text: size > MAX_TEXT_BYTES ? undefined : Deno.readTextFileSync(path) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "absent" };
    throw ioError("look at", path, error);
  }
}
