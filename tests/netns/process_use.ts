/** What a process takes of the machine. */
export interface ProcessUse {
  /** Time on a processor so far, in user and kernel mode together. */
  readonly cpuMs: number;
  /** Resident set. */
  readonly rssBytes: number;
  /** Open file descriptors. */
  readonly descriptors: number;
}

/** What the kernel tells user space in, on every machine that Deno runs on: proc_pid_stat(5). */
const TICKS_PER_SECOND = 100;

/** Of a process that runs: proc_pid_stat(5), proc_pid_status(5), proc_pid_fd(5). */
export function processUse(pid: number): ProcessUse {
  const folder = `/proc/${pid}`;
  // The second field, the name in parentheses, may have blanks.
  const [, rest = ""] = Deno.readTextFileSync(`${folder}/stat`).split(") ");
  const fields = rest.split(" ").map(Number);
  const [utime = NaN, stime = NaN] = fields.slice(11, 13);
  const [, rssKib] = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`${folder}/status`)) ?? [];
  return {
    cpuMs: (utime + stime) * 1000 / TICKS_PER_SECOND,
    rssBytes: Number(rssKib) * 1024,
    descriptors: [...Deno.readDirSync(`${folder}/fd`)].length,
  };
}
