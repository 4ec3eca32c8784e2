/** What systemd keeps of a service's output, by `journalctl`. */
import { ClientError, errorText } from "../errors.ts";
import { childLines } from "./child_lines.ts";

/** One line of a service. */
export interface JournalEntry {
  /** Wall clock in milliseconds since 1970. */
  readonly timeMs: number;
  readonly message: string;
  /** Names its place in the journal. */
  readonly cursor: string;
}

/** Which of them. */
export interface JournalRange {
  /** The last ones; Infinity for all. */
  readonly tail: number;
  readonly sinceMs: number | undefined;
}

/**
 * The lines of a unit that are there, the oldest first.
 * @throws ClientError when there is no journal.
 */
export async function readJournal(unit: string, range: JournalRange): Promise<JournalEntry[]> {
  const { tail, sinceMs } = range;
  const args = [
    ...tail === Infinity ? ["--no-tail"] : [`--lines=${tail}`],
    ...sinceMs === undefined ? [] : [`--since=${at(sinceMs)}`],
  ];
  return await Array.fromAsync(entries(unit, args, new AbortController().signal));
}

/**
 * The lines of a unit that come, until the signal.
 * @param after the last one that is known; else those from a time on.
 */
export function followJournal(
  unit: string,
  after: JournalEntry | { readonly timeMs: number },
  signal: AbortSignal,
): AsyncGenerator<JournalEntry, void, void> {
  const from = "cursor" in after ? `--after-cursor=${after.cursor}` : `--since=${at(after.timeMs)}`;
  return entries(unit, ["--follow", "--no-tail", from], signal);
}

/** Seconds since 1970 as journalctl takes them, systemd.time(7). */
function at(milliseconds: number): string {
  return `@${Math.floor(milliseconds / 1_000)}`;
}

async function* entries(
  unit: string,
  args: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<JournalEntry, void, void> {
  const all = ["--unit", unit, "--output=json", "--quiet", "--no-pager", ...args];
  try {
    for await (const line of childLines("journalctl", all, signal)) {
      if (line.trim() !== "") yield parseEntry(line);
    }
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound;
    const seen = isMissing
      ? "there is no journalctl; logging.file.path of the settings names a file instead"
      : errorText(cause);
    throw new ClientError("delegate-failure", `Cannot read the journal of "${unit}": ${seen}`, {
      cause,
    });
  }
}

/** Journal JSON format: times are microseconds, and a message that is no text a list of bytes. */
function parseEntry(line: string): JournalEntry {
  const { MESSAGE: message, __REALTIME_TIMESTAMP: time, __CURSOR: cursor } = JSON.parse(line);
  return {
    timeMs: Number(time) / 1_000,
    message: Array.isArray(message)
      ? new TextDecoder().decode(Uint8Array.from(message))
      : String(message ?? ""),
    cursor: String(cursor),
  };
}
