/**
 * Our log: one JSON object (or one text for people) a line, to a stream and to a file. Runtimes drop what a plugin writes to
 * stderr, so the file is what is left of a failed ADD. Everything is synchronous, a secret is not
 * written, and a log that cannot be written never fails its caller.
 */
import { BaseHandler, getLogger, type LevelName, type LogRecord, setup } from "@std/log";
import { errorText } from "./errors.ts";
import { appendLine, DEFAULT_LOG_LIMITS, type LogLimits } from "./log_file.ts";
import { redact } from "./redact.ts";

/** Levels of the log, from talkative to silent. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What is said beside the text. Values may be errors, bigints, maps; keys that name secrets are cut. */
export type LogFields = Readonly<Record<string, unknown>>;

/** How a line reads: an object for machines, or `time LEVEL message key=value ...` for people. */
export const LOG_FORMATS = ["json", "text"] as const;

/** One of {@linkcode LOG_FORMATS}. */
export type LogFormat = typeof LOG_FORMATS[number];

/** Streams that the log may go to; stdout is not for plugins, whose results go there. */
export const LOG_OUTPUTS = ["stderr", "stdout", "none"] as const;

/** One of {@linkcode LOG_OUTPUTS}. */
export type LogOutput = typeof LOG_OUTPUTS[number];

/** Where the log goes and how much of it. */
export interface LogSettings {
  /** Lowest level that is written at all. */
  readonly level: LogLevel;
  /** Lowest level that goes to the stream; `warn` when absent. */
  readonly outputLevel?: LogLevel;
  /** `stderr` when absent. */
  readonly output?: LogOutput;
  /** `json` when absent. */
  readonly format?: LogFormat;
  /** File to append to, made 0600, its directory 0700. */
  readonly file?: string;
  /** How much of the file is kept; {@linkcode DEFAULT_LOG_LIMITS} when absent. */
  readonly limits?: LogLimits;
}

/** Sets up the log; before the first call it writes warnings and errors to stderr. */
export function configureLog(
  settings: LogSettings,
): void {
  const { level, outputLevel = "warn", output = "stderr", format = "json", file } = settings;
  const { limits = DEFAULT_LOG_LIMITS } = settings;
  const formatter = FORMATTERS[format];
  const handlers = {
    ...output !== "none" && {
      output: new StreamHandler(Deno[output], NAMES[outputLevel], formatter),
    },
    ...file !== undefined && { file: new FileHandler(file, limits, NAMES[level], formatter) },
  };
  setup({
    handlers,
    loggers: { default: { level: NAMES[level], handlers: Object.keys(handlers) } },
  });
  configured = true;
}

/** The log of this process. Texts of failures read *Cannot \<do\> "\<value\>"*. */
export const log = {
  debug: (message: string, fields?: LogFields): void => write("debug", message, fields),
  info: (message: string, fields?: LogFields): void => write("info", message, fields),
  warn: (message: string, fields?: LogFields): void => write("warn", message, fields),
  error: (message: string, fields?: LogFields): void => write("error", message, fields),
};

const NAMES = {
  debug: "DEBUG",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
} as const satisfies Record<LogLevel, LevelName>;

type Formatter = (record: LogRecord) => string;

const encoder = new TextEncoder();

let configured = false;

function write(level: LogLevel, message: string, fields: LogFields = {}): void {
  if (!configured) configureLog({ level: "warn" });
  getLogger()[level](message, fields);
}

/** One line of JSON; a field cannot replace the head. */
function formatRecord({ datetime, levelName, msg, args }: LogRecord): string {
  const time = datetime.toISOString();
  const head = { time, level: levelName.toLowerCase(), pid: Deno.pid, message: redact(msg) };
  return JSON.stringify({ ...head, ...Object(redact(args[0])), ...head });
}

function formatText({ datetime, levelName, msg, args }: LogRecord): string {
  const [time, message] = [datetime.toISOString(), String(redact(msg))];
  return `${time} ${levelName.padEnd(5)} ${formatLogMessage(message, Object(redact(args[0])))}`;
}

/** A line for people; line breaks in a message are kept out, values are JSON unless bare words. */
export function formatLogMessage(message: string, fields: LogFields): string {
  const texts = Object.entries(fields).map(([key, value]) => ` ${key}=${bareOrJson(value)}`);
  return `${message.replaceAll("\n", "\\n")}${texts.join("")}`;
}

function bareOrJson(value: unknown): string {
  return typeof value === "string" && /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
}

const FORMATTERS: Readonly<Record<LogFormat, Formatter>> = { json: formatRecord, text: formatText };

class StreamHandler extends BaseHandler {
  readonly #stream: typeof Deno.stderr;

  constructor(stream: typeof Deno.stderr, levelName: LevelName, formatter: Formatter) {
    super(levelName, { formatter });
    this.#stream = stream;
  }

  override log(msg: string): void {
    try {
      this.#stream.writeSync(encoder.encode(`${msg}\n`));
    } catch {
      // A runtime may close our stderr; there is no other place to say so.
    }
  }
}

class FileHandler extends BaseHandler {
  readonly #path: string;
  readonly #limits: LogLimits;
  #told = false;

  constructor(
    path: string,
    limits: LogLimits,
    levelName: LevelName,
    formatter: Formatter,
  ) {
    super(levelName, { formatter });
    [this.#path, this.#limits] = [path, limits];
  }

  override log(msg: string): void {
    try {
      appendLine(this.#path, msg, this.#limits);
    } catch (error) {
      if (this.#told) return;
      this.#told = true;
      log.warn(`Cannot write log file "${this.#path}": ${errorText(error)}`);
    }
  }
}
