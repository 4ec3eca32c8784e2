/** Network namespaces: opening those of pods, and working inside one for a moment. */
import { ConfigError } from "../errors.ts";
import { cString } from "../wire/attribute.ts";
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, errnoText } from "./errno.ts";
import { checkResult, lastErrno, libc } from "./libc.ts";

/** The namespace of the calling thread: proc(5). */
const OWN_NETNS = "/proc/thread-self/ns/net";

/** open(2) flags: asm-generic/fcntl.h. O_NONBLOCK, so that a FIFO does not make us wait. */
const O_RDONLY = 0;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
/** Type of namespace: linux/sched.h. */
const CLONE_NEWNET = 0x40000000;
/** ioctl that tells the type of a namespace, _IO(0xb7, 3): linux/nsfs.h. */
const NS_GET_NSTYPE = 0xb703n;

/** What open(2) says when the path itself is wrong: the caller's fault, not the kernel's. */
const PATH_FAULTS: readonly number[] = [EACCES, ELOOP, ENAMETOOLONG, ENOTDIR];

/** An open network namespace. */
export interface Netns extends Disposable {
  /** The path under which it was opened. */
  readonly path: string;
  /** File descriptor, as IFLA_NET_NS_FD wants it; closed by disposal. */
  readonly fd: number;
}

/** Rejects async callbacks at compile time: after an `await`, I/O may be in another namespace. */
export type Sync<T> = T extends PromiseLike<unknown> ? never : T;

/**
 * Opens the network namespace at a path such as `/run/netns/cni-0123`.
 * @throws ConfigError `invalid-netns` when nothing is there, or something else.
 * @throws KernelError when it cannot be opened for another reason.
 */
export function openNetns(path: string): Netns {
  const netns = tryOpenNetns(path);
  if (netns) return netns;
  throw netnsError(path, "it is gone");
}

/** {@linkcode openNetns} that answers undefined when nothing is at the path. */
export function tryOpenNetns(path: string): Netns | undefined {
  const fd = libc().open(cString(path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const errno = fd < 0 ? lastErrno() : 0;
  if (errno === ENOENT) return undefined;
  if (PATH_FAULTS.includes(errno)) throw netnsError(path, errnoText(errno));
  checkResult(fd, "open", `open network namespace "${path}"`);
  if (libc().ioctl(fd, NS_GET_NSTYPE) === CLONE_NEWNET) return new OpenNetns(path, fd);
  libc().close(fd);
  throw netnsError(path, `it is ${describeFile(path)}`);
}

/** True when the path leads to the namespace that we are in ourselves. */
export function isOwnNetns(path: string): boolean {
  const own = Deno.statSync(OWN_NETNS);
  try {
    const other = Deno.statSync(path);
    return other.dev === own.dev && other.ino === own.ino;
  } catch {
    return false;
  }
}

/**
 * Runs `fn` with the calling thread inside a namespace. Only synchronous work that we have looked
 * at may run there: open a netlink socket, read or write a sysctl. An asynchronous operation that
 * is so much as started there may leave a thread behind in the wrong namespace. When the way back
 * fails the process aborts: everything after would be done to the pod.
 * @throws KernelError when the namespace cannot be entered; whatever `fn` throws.
 */
export function inNetns<T>(netns: Netns, fn: () => Sync<T>): Sync<T> {
  using home = openNetns(OWN_NETNS);
  const entered = libc().setns(netns.fd, CLONE_NEWNET);
  checkResult(entered, "setns", `enter network namespace "${netns.path}"`);
  try {
    return fn();
  } finally {
    if (libc().setns(home.fd, CLONE_NEWNET) !== 0) libc().abort();
  }
}

/**
 * Makes an empty network namespace, with `lo` down. Nothing but this process holds it, so with the
 * process it goes with all that is in it; other processes find it at its path, `/proc/<pid>/fd/<fd>`.
 * @throws KernelError when the kernel refuses, as it does without CAP_SYS_ADMIN.
 */
export function makeNetns(): Netns {
  using home = openNetns(OWN_NETNS);
  checkResult(libc().unshare(CLONE_NEWNET), "unshare", "make a network namespace");
  try {
    const { fd } = openNetns(OWN_NETNS);
    return new OpenNetns(`/proc/${Deno.pid}/fd/${fd}`, fd);
  } finally {
    if (libc().setns(home.fd, CLONE_NEWNET) !== 0) libc().abort();
  }
}

class OpenNetns implements Netns {
  readonly path: string;
  #fd: number;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  get fd(): number {
    return this.#fd;
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) libc().close(this.#fd);
    this.#fd = -1;
  }
}

function netnsError(path: string, seen: string): ConfigError {
  return new ConfigError("invalid-netns", `Cannot open network namespace "${path}": ${seen}`);
}

function describeFile(path: string): string {
  const { isDirectory, isFile } = Deno.statSync(path);
  if (isDirectory) return "a directory";
  return isFile ? "a file that is no network namespace" : "no network namespace";
}
