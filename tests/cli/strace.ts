/**
 * Kills a program at one of its system calls by strace(1), before the kernel carries the call out.
 * strace counts the calls of each thread by themselves; of several threads that make the same call
 * the first is hit.
 */
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { isFile, missingProgram } from "./shipped.ts";

/** A system call to be killed at. */
export interface KillTarget {
  /** Name of the call, such as `fsync`. */
  readonly name: string;
  /** Only calls on these files; empty for any call. */
  readonly files: readonly string[];
}

/** System calls that change files. */
export const FILE_CHANGES: readonly string[] = [
  ...["openat", "flock", "mkdir", "write", "pwrite64", "ftruncate", "fsync", "fdatasync"],
  ...["unlink", "rename", "linkat", "symlink", "chmod", "copy_file_range"],
];

/** The shared memory of SQLite is no state: the first one to open the database makes it anew. */
export const NO_STATE = /-shm$/;

/** The system call at which all is done and said. */
export const LAST_CALL = "exit_group";

/** Exit code of a process that SIGKILL ended, as a shell tells it. */
export const KILLED = 128 + 9;

/** Put before a command to run it and kill it at call number `at`, 1 for the first. */
export function killCommand(target: KillTarget, at: number, notesFile: string): string[] {
  const { name } = target;
  return [...traceCommand(target, notesFile), `-einject=${name}:signal=KILL:when=${at}`];
}

/** Put before a command to note its calls. */
export function traceCommand({ name, files }: KillTarget, notesFile: string): string[] {
  return [
    ...["strace", "-f", "-y", "-qq", `-o${notesFile}`, `-etrace=${name}`],
    ...files.map((path) => `-P${path}`),
  ];
}

/** How often a file is changed by calls of one name: so often can a program be killed there. */
export interface Change {
  readonly name: string;
  readonly file: string;
  readonly count: number;
}

/**
 * The changes of files below a directory by the notes of strace, sorted. Each file counts by itself,
 * for threads share them out: SQLite opens on one and commits on another.
 */
export function listChanges(trace: string, directory: string): Change[] {
  const lines = Map.groupBy(trace.split("\n"), (line) => {
    const [, name = ""] = /^\d+ +(\w+)\(/.exec(line) ?? [];
    const paths = Array.from(line.matchAll(/[<"](\/[^">]*)[">]/g), ([, path = ""]) => path);
    const file = paths.find((path) => path.startsWith(directory));
    return name && file !== undefined ? `${name} ${file}` : "";
  });
  lines.delete("");
  return Array.from(lines.keys()).sort().map((key) => {
    const [name = "", file = ""] = key.split(" ");
    return { name, file, count: countCalls(lines.get(key)?.join("\n") ?? "", name) };
  });
}

/** How many calls the busiest thread made, by the notes of strace. */
export function countCalls(trace: string, name: string): number {
  const counts = new Map<string, number>();
  for (const line of trace.split("\n")) {
    const [thread = "", call = ""] = line.split(/ +/, 2);
    if (call.startsWith(`${name}(`)) counts.set(thread, (counts.get(thread) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

/** Registers a test that needs root, the built program and strace, or says what is missing. */
export function killTest(name: string, fn: () => Promise<void>): void {
  const missing = missingRoot() || missingProgram() || missingStrace();
  testUnless(missing, `killed ${name}`, fn);
}

/** Why nothing can be killed at a system call; empty when strace is there. */
export function missingStrace(): string {
  return isFile("/usr/bin/strace") ? "" : "needs strace";
}
