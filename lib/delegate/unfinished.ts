/**
 * Plugins that outlived the one who called them: a runtime kills a call that takes too long, but not
 * the children of that call. One that went on would add to a pod after its DEL.
 */
import type { AttachmentKey } from "../attachment.ts";
import { log } from "../log.ts";
import { pause } from "../pause.ts";

/** Most that one waits for a killed process to be gone. */
const MAX_WAITS = 200;
const WAIT_MS = 5;

/**
 * Kills the processes that are still carrying out an ADD of an attachment, and waits for their end.
 * They are known by the environment that they were started with, which nobody but root can read.
 */
export async function killUnfinished({ containerId, ifname }: AttachmentKey): Promise<void> {
  const marks = [`CNI_COMMAND=ADD`, `CNI_CONTAINERID=${containerId}`, `CNI_IFNAME=${ifname}`];
  const ancestors = listAncestors(Deno.pid);
  const isUnfinished = (pid: number) => {
    const environment = readEnvironment(pid);
    return !ancestors.has(pid) && marks.every((mark) => environment.includes(mark));
  };
  const killed = new Set<number>();
  // A child of one that is killed may have been started meanwhile.
  for (let wait = 0; wait < MAX_WAITS; wait++) {
    const unfinished = listProcesses().filter(isUnfinished);
    if (unfinished.length === 0) return;
    for (const pid of unfinished.filter((pid) => !killed.has(pid))) {
      killed.add(pid);
      kill(pid, containerId);
    }
    await pause(WAIT_MS);
  }
  log.warn("Cannot end a plugin of an earlier ADD: go on beside it", {
    containerId,
    pids: [...killed],
  });
}

function listProcesses(): number[] {
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name)).filter(Number.isInteger);
}

/** The process itself and those that it comes from: a script may export what it calls us with. */
function listAncestors(pid: number): Set<number> {
  const ancestors = new Set<number>();
  for (let at = pid; at > 0 && !ancestors.has(at); at = parentOf(at)) ancestors.add(at);
  return ancestors;
}

/** Field 4 of proc_pid_stat(5); the name before it is in brackets and may hold any character. */
function parentOf(pid: number): number {
  const stat = readProc(pid, "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
}

function readEnvironment(pid: number): string[] {
  return readProc(pid, "environ").split("\0");
}

/** Empty for a process that has ended. */
function readProc(pid: number, file: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch {
    return "";
  }
}

function kill(pid: number, containerId: string): void {
  try {
    Deno.kill(pid, "SIGKILL");
    log.warn("Killed a plugin that outlived the call of its ADD", { pid, containerId });
  } catch {
    // It has ended meanwhile.
  }
}
