/** Where the logs of this node are. */
import type { Environment } from "../../../lib/cni/environment.ts";
import type { Settings } from "../../../lib/daemon/settings/settings.ts";
import { followJournal, type JournalEntry, readJournal } from "../../../lib/delegate/journal.ts";
import { DEFAULT_LOG_FILE } from "../../logged.ts";
import { LogFile, type LogRange } from "./log_file.ts";
import type { LogLine } from "./log_line.ts";

/** A log that can be read and followed; what was read is not followed again. */
export interface Log {
  /** The lines that are there, the oldest first. @throws HeadcniError when it cannot be read. */
  read(range: LogRange): LogLine[] | Promise<LogLine[]>;
  /** The lines that come, until the signal. */
  follow(signal: AbortSignal): AsyncGenerator<LogLine, void, void>;
}

/** The service that README installs. */
const UNIT = "headcni";

/** What plugins write. */
export function pluginLog(env: Environment): Log {
  return new LogFile("plugin", env.HEADCNI_LOG_FILE || DEFAULT_LOG_FILE);
}

/** What the daemon writes: its file, else what systemd keeps. */
export function daemonLog({ logging: { file } }: Settings): Log {
  return file.enabled && file.path !== undefined
    ? new LogFile("daemon", file.path)
    : new DaemonJournal(Date.now());
}

/** The journal of the daemon's unit. */
class DaemonJournal implements Log {
  /** What was read last, or a time since which all is new. */
  #last: JournalEntry | { readonly timeMs: number };

  constructor(nowMs: number) {
    this.#last = { timeMs: nowMs };
  }

  async read(range: LogRange): Promise<LogLine[]> {
    const entries = await readJournal(UNIT, range);
    this.#last = entries.at(-1) ?? this.#last;
    return entries.map(lineOf);
  }

  async *follow(signal: AbortSignal): AsyncGenerator<LogLine, void, void> {
    for await (const entry of followJournal(UNIT, this.#last, signal)) yield lineOf(entry);
  }
}

function lineOf({ timeMs, message }: JournalEntry): LogLine {
  return { source: "daemon", timeMs, text: message };
}
