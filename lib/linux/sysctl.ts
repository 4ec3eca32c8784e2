/** Kernel parameters below /proc/sys, of the namespace that the calling thread is in. */
import { ConfigError, errorText, KernelError } from "../errors.ts";
import { ENOENT, EROFS, errnoOf } from "./errno.ts";

const SYSCTLS = "/proc/sys";
/**
 * Where the chart mounts them for a daemon in a container without privileges, to whom /proc/sys is
 * read-only. They are those of our own network namespace there, too.
 */
const SYSCTLS_OF_NODE = "/host/proc/sys";

/**
 * The value of a sysctl without its newline; undefined when the kernel has none of that name.
 * @param path such as `["net", "ipv4", "conf", "eth0.5", "arp_notify"]`: a part may hold dots.
 * @throws KernelError when it cannot be read, ConfigError for a part that leaves its folder.
 */
export function readSysctl(path: readonly string[]): string | undefined {
  try {
    return Deno.readTextFileSync(fileOf(path)).trimEnd();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw sysctlError("read", path, cause);
  }
}

/**
 * Gives a sysctl a value, unless it has it.
 * @throws KernelError when it cannot be written, with ENOENT when the kernel has none of that name;
 * ConfigError for a part that leaves its folder.
 */
export function writeSysctl(path: readonly string[], value: string): void {
  if (readSysctl(path) === value) return;
  const write = (folder: string) =>
    Deno.writeTextFileSync(fileOf(path, folder), value, { create: false });
  try {
    write(SYSCTLS);
  } catch (cause) {
    if (errnoOf(cause) !== EROFS) throw sysctlError("write", path, cause);
    try {
      write(SYSCTLS_OF_NODE);
    } catch {
      throw sysctlError("write", path, cause);
    }
  }
}

function fileOf(path: readonly string[], folder = SYSCTLS): string {
  for (const part of path) {
    if (part === "" || part === "." || part === ".." || part.includes("/")) {
      throw new ConfigError(
        "invalid-config",
        `Cannot use sysctl "${path.join("/")}": "${part}" is no name of a sysctl`,
      );
    }
  }
  return `${folder}/${path.join("/")}`;
}

function sysctlError(verb: "read" | "write", path: readonly string[], cause: unknown): unknown {
  if (cause instanceof ConfigError) return cause;
  const errno = cause instanceof Deno.errors.NotFound ? ENOENT : errnoOf(cause);
  const text = `Cannot ${verb} sysctl "${path.join("/")}": ${errorText(cause)}`;
  return new KernelError(verb, errno, text, { cause });
}
