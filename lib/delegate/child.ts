/** One child process: standard input in, bounded output out, killed at a deadline. */
import { errorText } from "../errors.ts";
import { pause } from "../pause.ts";

/** How a child runs. */
export interface ChildOptions {
  readonly args?: readonly string[];
  /** Variables that are set beside those that the child inherits from us. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Time in milliseconds after which the child is killed. */
  readonly deadlineMs: number;
  /** Most that is kept of each output; 1 MiB by default, a result has a few KiB. */
  readonly maxOutputBytes?: number;
}

/** How a child ended. */
export interface ChildOutcome {
  readonly code: number;
  /** Signal that ended it. */
  readonly signal: Deno.Signal | null;
  /** True when the deadline passed. */
  readonly timedOut: boolean;
  /** Output as text; what exceeds the bound is cut off. */
  readonly stdout: string;
  readonly stderr: string;
}

/** How long one waits for the end of the output of a child that has ended. */
const OUTPUT_GRACE_MS = 500;
const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024;
/** While an executable is replaced in place it cannot be started: ETXTBSY, execve(2). */
const BUSY_ATTEMPTS = 50;
const BUSY_PAUSE_MS = 100;

/**
 * Runs an executable to its end.
 * @throws Error of the system when it cannot be started.
 */
export async function runChild(path: string, options: ChildOptions): Promise<ChildOutcome> {
  const { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options;
  const child = await spawn(path, options);
  const deadline = AbortSignal.timeout(options.deadlineMs);
  const over = new AbortController();
  let timedOut = false;
  const ending = child.status.then((status) => {
    // What it started may hold its output for ever; what it wrote itself is there by now.
    pause(OUTPUT_GRACE_MS).then(() => over.abort());
    timedOut = deadline.aborted;
    return status;
  });
  deadline.addEventListener("abort", () => {
    kill(child);
    over.abort();
  });
  const [{ code, signal }, stdout, stderr] = await Promise.all([
    ending,
    collect(child.stdout, maxOutputBytes, over.signal),
    collect(child.stderr, maxOutputBytes, over.signal),
    feed(child.stdin, options.stdin, over.signal),
  ]);
  return { code, signal, timedOut, stdout, stderr };
}

async function spawn(path: string, options: ChildOptions): Promise<Deno.ChildProcess> {
  const command = new Deno.Command(path, {
    args: [...options.args ?? []],
    env: { ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  for (let attempt = 1;; attempt++) {
    try {
      return command.spawn();
    } catch (error) {
      if (!isBusy(error) || attempt === BUSY_ATTEMPTS) throw error;
      await pause(BUSY_PAUSE_MS);
    }
  }
}

/** Deno tells the errno in the text alone; 26 is ETXTBSY, asm-generic/errno-base.h. */
function isBusy(error: unknown): boolean {
  return errorText(error).includes("(os error 26)");
}

/**
 * Reads to the end, or to the deadline, for a grandchild may hold the pipe for ever. What exceeds
 * the bound is read too, so that the child does not fail on a full pipe.
 */
async function collect(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  deadline: AbortSignal,
): Promise<string> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  deadline.addEventListener("abort", () => reader.cancel());
  let text = "";
  for (let bytes = 0;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes <= maxBytes) text += decoder.decode(value, { stream: true });
  }
}

/** A child need not read its input: that it has gone away is seen in its status. */
async function feed(
  stream: WritableStream<Uint8Array>,
  text: string,
  deadline: AbortSignal,
): Promise<void> {
  const writer = stream.getWriter();
  deadline.addEventListener("abort", () => writer.abort().catch(() => {}));
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // EPIPE, or the deadline.
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}
