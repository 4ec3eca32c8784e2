/** A child process whose output is read as it comes. */
import { ClientError } from "../errors.ts";

/**
 * Runs a program, and answers its standard output by lines; whoever stops to read ends it.
 * @throws ClientError when it fails, or an error of the system when it cannot be started.
 */
export async function* childLines(
  path: string,
  args: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const child = new Deno.Command(path, {
    args: [...args],
    env: { LC_ALL: "C" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  const complaint = new Response(child.stderr).text();
  try {
    yield* linesOf(child.stdout);
  } finally {
    kill(child);
  }
  const [{ code, signal: killer }, said] = [await child.status, await complaint];
  if (code === 0 || signal.aborted) return;
  const seen = said.trim().split("\n").at(-1) || (killer ?? `exit code ${code}`);
  throw new ClientError("delegate-failure", `Cannot run ${path}: ${seen}`);
}

async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended already.
  }
}
