/** A child whose output goes on as it comes, as long as it runs: no bound, no deadline. */

/** Where its streams go. */
export interface StreamOptions {
  /** `inherit`: ours; nothing by default. */
  readonly stdin?: "inherit";
  /** Ours, or bytes as they come. */
  readonly stdout: "inherit" | ((bytes: Uint8Array) => void);
  /** Lines, without their ends. */
  readonly onErrorLine: (line: string) => void;
  /** Variables that are set beside those that the child inherits from us. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs an executable to its end.
 * @returns its exit code.
 * @throws Error of the system when it cannot be started.
 */
export async function streamChild(
  path: string,
  args: readonly string[],
  { stdin, stdout, onErrorLine, env }: StreamOptions,
): Promise<number> {
  const child = new Deno.Command(path, {
    args: [...args],
    env: { ...env },
    stdin: stdin ?? "null",
    stdout: stdout === "inherit" ? "inherit" : "piped",
    stderr: "piped",
  }).spawn();
  const reading = stdout === "inherit" ? [] : [readBytes(child.stdout, stdout)];
  await Promise.all([...reading, readBytes(child.stderr, splitLines(onErrorLine))]);
  return (await child.status).code;
}

/** Takes bytes, and gives whole lines on; the last one needs no end. */
export function splitLines(onLine: (line: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = "";
  return (bytes) => {
    const isEnd = bytes.length === 0;
    const lines = (rest + decoder.decode(bytes, { stream: !isEnd })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
    if (isEnd && rest !== "") onLine(rest);
  };
}

/** An empty piece is the end. */
async function readBytes(
  stream: ReadableStream<Uint8Array>,
  onBytes: (bytes: Uint8Array) => void,
): Promise<void> {
  for await (const bytes of stream) if (bytes.length > 0) onBytes(bytes);
  onBytes(new Uint8Array());
}
