/** Lines of logs: when they were written, and how people and programs read them. */
import { formatLogMessage } from "../../../lib/log.ts";
import { isObject } from "../../../lib/schema.ts";
import type { Screen } from "../screen.ts";

/** Who wrote it. */
export type LogSource = "plugin" | "daemon";

/** A line of a log. */
export interface LogLine {
  readonly source: LogSource;
  /** Wall clock in milliseconds since 1970; that of the line before it where it tells none. */
  readonly timeMs: number;
  readonly text: string;
}

/** The time that a line of ours begins with, in either form; undefined when it has none. */
export function timeOf(text: string): number | undefined {
  const [, time] = /^(?:\{"time":")?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z)/.exec(text) ?? [];
  return time === undefined ? undefined : Date.parse(time);
}

/** For programs: an object a line, with what was logged as an object where it is one. */
export function formatLineJson({ source, timeMs, text }: LogLine): string {
  const record = parseRecord(text);
  const time = new Date(timeMs).toISOString();
  return JSON.stringify(record ? { source, ...record } : { source, time, message: text });
}

/** For people: who, when, how grave, what. */
export function formatLine({ source, text }: LogLine, screen: Screen): string {
  const prefix = `${source} | `;
  const record = parseRecord(text);
  if (!record) return prefix + text;
  const { time, level, message, pid: _pid, ...fields } = record;
  const word = String(level).toUpperCase().padEnd(5);
  const tone = level === "error" ? screen.fail(word) : level === "warn" ? screen.warn(word) : word;
  return `${prefix}${time} ${tone} ${formatLogMessage(String(message), fields)}`;
}

/** One of ours; anything else is a text. */
function parseRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && "time" in value && "message" in value ? value : undefined;
  } catch {
    return undefined;
  }
}
