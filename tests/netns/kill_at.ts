/**
 * A program by itself: runs a command, and kills at the call number AT by which the command, or
 * anything that it has started, changes something, before the kernel carries that call out:
 * ptrace(2). strace(1) counts the calls of each thread by themselves, and so cannot name one of a Go
 * program's, whose work changes threads. Its exit code is the command's.
 *
 *     kill_at.ts all|child AT NOTES ROOT COMMAND...
 *
 * `all` kills the command and all that it has started; `child` counts only the calls of processes that
 * the command has started, and kills the one that makes the call. NOTES gets the calls, a line each,
 * and {@linkcode KILL_MARK} where it came to that. ROOT is the folder of the files that count as
 * state, beside the kernel's parameters. A call that reads, syncs, locks, or only takes a thread
 * elsewhere leaves what the call before it left: none is counted. Nor is a commit of the store, in
 * which `tests/cli/store_kill_test.ts` kills: it is all or nothing, and stands between two writes to
 * the lock of the store.
 */
import { KILL_MARK } from "./kill_mark.ts";

/** Of linux/ptrace.h. */
const PTRACE_SYSCALL = 24;
const PTRACE_SEIZE = 0x4206;
const PTRACE_GET_SYSCALL_INFO = 0x420e;
const PTRACE_SYSCALL_INFO_ENTRY = 1;
/** PTRACE_O_TRACESYSGOOD, _TRACEFORK, _TRACEVFORK, _TRACECLONE, _TRACEEXEC and _EXITKILL. */
const OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100000;
/** Wait for threads and children alike: `__WALL`, linux/wait.h. */
const WALL = 0x40000000;
/** Also for children that are stopped: `WUNTRACED`. */
const WUNTRACED = 2;
const SIGTRAP = 5;
/** Set in the signal of a stop at a system call, by PTRACE_O_TRACESYSGOOD. */
const SYSCALL_STOP = SIGTRAP | 0x80;
/** struct ptrace_syscall_info: the number is at 24, six arguments of 8 bytes from 32 on. */
const INFO_BYTES = 88;

/** Of asm-generic/fcntl.h. */
const O_CREAT = 0o100;
const O_TRUNC = 0o1000;
/** More than any path of ours has. */
const MAX_PATH_BYTES = 512;
/** Types of rtnetlink: `RTM_BASE` of linux/rtnetlink.h, and what is above all of them. */
const RTM_BASE = 16;
const RTM_END = 128;

/** Where a call names what it changes. */
type Where = { readonly fd: number } | { readonly path: number; readonly flags?: number };

/** Calls that change something, by their numbers on x86-64 and arm64: asm/unistd_64.h. */
const CALLS: readonly (readonly [name: string, x86: number, arm: number, where: Where])[] = [
  ["sendto", 44, 206, { fd: 0 }],
  ["sendmsg", 46, 211, { fd: 0 }],
  ["write", 1, 64, { fd: 0 }],
  ["writev", 20, 66, { fd: 0 }],
  ["ftruncate", 77, 46, { fd: 0 }],
  ["openat", 257, 56, { path: 1, flags: 2 }],
  ["mkdirat", 258, 34, { path: 1 }],
  ["unlinkat", 263, 35, { path: 1 }],
  ["renameat", 264, 38, { path: 1 }],
  ["renameat2", 316, 276, { path: 1 }],
  ["open", 2, -1, { path: 0, flags: 1 }],
  ["rename", 82, -1, { path: 0 }],
  ["mkdir", 83, -1, { path: 0 }],
  ["rmdir", 84, -1, { path: 0 }],
  ["unlink", 87, -1, { path: 0 }],
];
const NUMBER_COLUMN = Deno.build.arch === "aarch64" ? 2 : 1;
const BY_NUMBER = new Map(CALLS.map((call) => [call[NUMBER_COLUMN], call]));
/** The shared memory of SQLite, made anew by the first one to open the database; and the log. */
const NO_STATE = /-shm$|\/plugin\.log$|\/notes$/;

/** What is followed, and where it ends. */
interface Hunt {
  readonly victims: string;
  /** The command. */
  readonly first: number;
  readonly at: number;
  readonly root: string;
  /** Threads and processes that live. */
  readonly alive: Set<number>;
  /** The calls so far. */
  readonly notes: string[];
  isOver: boolean;
}

const libc = Deno.dlopen("libc.so.6", {
  // long ptrace(enum __ptrace_request op, pid_t pid, void *addr, void *data); see ptrace(2)
  ptrace: { parameters: ["i32", "i32", "usize", "usize"], result: "isize" },
  inspect: { name: "ptrace", parameters: ["i32", "i32", "usize", "buffer"], result: "isize" },
  // pid_t waitpid(pid_t pid, int *wstatus, int options); see wait(2)
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
}).symbols;

const [victims = "", at = "", notesFile = "", root = "", ...command] = Deno.args;
const first = begin(command);
const begun = { alive: new Set<number>(), notes: [], isOver: false };
const hunt: Hunt = { victims, first, at: Number(at), root, ...begun };
const code = follow(hunt);
Deno.writeTextFileSync(notesFile, hunt.notes.join("\n"));
Deno.exit(code);

/** Starts the command with us as its tracer; it stops itself before, so that nothing is missed. */
function begin(command: readonly string[]): number {
  const { pid } = new Deno.Command("sh", {
    args: ["-c", 'kill -STOP $$; exec "$@"', "sh", ...command],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  if (waitFor(pid, WUNTRACED)?.pid !== pid) throw new Error("Cannot wait for the command");
  if (libc.ptrace(PTRACE_SEIZE, pid, 0n, BigInt(OPTIONS)) < 0n) {
    throw new Error("Cannot trace the command");
  }
  Deno.kill(pid, "SIGCONT");
  return pid;
}

/** Goes on until everything has ended; answers the exit code of the first, as a shell tells it. */
function follow(hunt: Hunt): number {
  let code = 0;
  for (let next = waitFor(-1, WALL); next; next = waitFor(-1, WALL)) {
    const { pid, status } = next;
    const isStopped = (status & 0xff) === 0x7f;
    if (!isStopped) {
      hunt.alive.delete(pid);
      const signal = status & 0x7f;
      if (pid === hunt.first) code = signal === 0 ? status >> 8 & 0xff : 128 + signal;
      continue;
    }
    hunt.alive.add(pid);
    if (hunt.isOver && hunt.victims === "all") kill(pid); // started meanwhile
    libc.ptrace(PTRACE_SYSCALL, pid, 0n, BigInt(signalToPass(pid, status, hunt)));
  }
  return code;
}

/** What the stopped one is to be told beside going on: 0 for nothing. */
function signalToPass(pid: number, status: number, hunt: Hunt): number {
  const signal = status >> 8 & 0xff;
  const isEvent = status >> 16 !== 0;
  if (signal !== SYSCALL_STOP) return isEvent || signal === SIGTRAP ? 0 : signal;
  const change = changeOf(pid, hunt.root);
  if (!change || hunt.isOver) return 0;
  if (hunt.victims === "child" && processOf(pid) === hunt.first) return 0;
  hunt.notes.push(`${pid} ${change}`);
  if (hunt.notes.length !== hunt.at) return 0;
  hunt.notes.push(KILL_MARK);
  hunt.isOver = true;
  for (const each of hunt.victims === "all" ? hunt.alive : [pid]) kill(each);
  return 0;
}

/** The call that a stopped thread is about to make, if it changes something. */
function changeOf(pid: number, root: string): string | undefined {
  const info = new BigUint64Array(INFO_BYTES / 8);
  libc.inspect(PTRACE_GET_SYSCALL_INFO, pid, BigInt(INFO_BYTES), new Uint8Array(info.buffer));
  const [op = 0n, , , number = 0n, ...args] = info;
  const call = BY_NUMBER.get(Number(number));
  if (Number(op & 0xffn) !== PTRACE_SYSCALL_INFO_ENTRY || !call) return undefined;
  const [name, , , where] = call;
  const argument = (index: number) => Number(args[index] ?? 0n);
  if ("fd" in where) {
    const target = readLink(`/proc/${pid}/fd/${argument(0)}`);
    const isSocket = name.startsWith("send") && target.startsWith("socket:");
    if (isSocket) return isQuestion(name, pid, argument(1)) ? undefined : name;
    return isState(target, root) ? `${name} ${target}` : undefined;
  }
  const bytes = readMemory(pid, argument(where.path), MAX_PATH_BYTES);
  const path = new TextDecoder().decode(bytes).split("\0", 1)[0] ?? "";
  // A parameter of the kernel is not changed before it is written to.
  if (!isState(path, root) || path.startsWith("/proc/")) return undefined;
  const flags = where.flags === undefined ? undefined : argument(where.flags);
  return isChange(name, flags, exists(path)) ? `${name} ${path}` : undefined;
}

/** @param flags of an open. */
function isChange(name: string, flags: number | undefined, isThere: boolean): boolean {
  if (flags === undefined) return name.startsWith("mkdir") ? !isThere : isThere;
  return (flags & (isThere ? O_TRUNC : O_CREAT)) !== 0;
}

function isState(path: string, root: string): boolean {
  return (path.startsWith(`${root}/`) && !NO_STATE.test(path)) || path.startsWith("/proc/sys/");
}

/** True for a message of rtnetlink that asks; its types go by fours: linux/rtnetlink.h. */
function isQuestion(name: string, pid: number, address: number): boolean {
  if (name !== "sendto") return false;
  const [, , type = 0] = new Uint16Array(readMemory(pid, address, 6).slice().buffer);
  return type >= RTM_BASE && type < RTM_END && type % 4 === 2;
}

/** Empty where there is nothing at the address. */
function readMemory(pid: number, address: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  try {
    using file = Deno.openSync(`/proc/${pid}/mem`);
    file.seekSync(address, Deno.SeekMode.Start);
    return bytes.subarray(0, file.readSync(bytes) ?? 0);
  } catch {
    return bytes.subarray(0, 0);
  }
}

/** The process of a thread: `Tgid` of proc_pid_status(5). */
function processOf(pid: number): number {
  const [, id] = /^Tgid:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  return Number(id);
}

function readLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Of a thread the process; it may have ended meanwhile. */
function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has.
  }
}

/** Undefined when there is nothing to wait for any more. */
function waitFor(pid: number, options: number): { pid: number; status: number } | undefined {
  const status = new Int32Array(1);
  const found = libc.waitpid(pid, new Uint8Array(status.buffer), options);
  return found < 0 ? undefined : { pid: found, status: status[0] ?? 0 };
}
