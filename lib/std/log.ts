/** `@std/log`: loggers that hand records to handlers, as far as `lib/log.ts` uses them. */

/** Names of the levels, and their numbers in std. */
const LEVELS = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;

/** Name of a level, as std spells it. */
export type LevelName = keyof typeof LEVELS;

/** One call of a logger. */
export interface LogRecord {
  readonly msg: string;
  /** What the caller gave beside the text. */
  readonly args: readonly unknown[];
  readonly datetime: Date;
  readonly level: number;
  readonly levelName: string;
  readonly loggerName: string;
}

/** Turns a record into the line that a handler writes, without its newline. */
export type FormatterFunction = (record: LogRecord) => string;

/** Writes records of its level and above; subclasses say where. */
export abstract class BaseHandler {
  readonly #level: number;
  readonly #formatter: FormatterFunction;

  constructor(levelName: LevelName, options: { readonly formatter?: FormatterFunction } = {}) {
    this.#level = LEVELS[levelName];
    this.#formatter = options.formatter ?? (({ levelName, msg }) => `${levelName} ${msg}`);
  }

  handle(record: LogRecord): void {
    if (record.level >= this.#level) this.log(this.#formatter(record));
  }

  abstract log(msg: string): void;
}

/** Hands records of its level and above to its handlers. */
export class Logger {
  readonly #name: string;
  readonly #level: number;
  readonly #handlers: readonly BaseHandler[];

  constructor(
    loggerName: string,
    levelName: LevelName,
    options: { readonly handlers?: readonly BaseHandler[] } = {},
  ) {
    this.#name = loggerName;
    this.#level = LEVELS[levelName];
    this.#handlers = options.handlers ?? [];
  }

  debug(msg: string, ...args: unknown[]): string {
    return this.#log("DEBUG", msg, args);
  }

  info(msg: string, ...args: unknown[]): string {
    return this.#log("INFO", msg, args);
  }

  warn(msg: string, ...args: unknown[]): string {
    return this.#log("WARN", msg, args);
  }

  error(msg: string, ...args: unknown[]): string {
    return this.#log("ERROR", msg, args);
  }

  #log(levelName: LevelName, msg: string, args: readonly unknown[]): string {
    const level = LEVELS[levelName];
    if (level < this.#level) return msg;
    const record = { msg, args, datetime: new Date(), level, levelName, loggerName: this.#name };
    for (const handler of this.#handlers) handler.handle(record);
    return msg;
  }
}

/** What {@linkcode setup} makes: handlers by name, and loggers that name their handlers. */
export interface LogConfig {
  readonly handlers?: Readonly<Record<string, BaseHandler>>;
  readonly loggers?: Readonly<
    Record<string, { readonly level?: LevelName; readonly handlers?: readonly string[] }>
  >;
}

const loggers = new Map<string, Logger>();

/** Replaces all loggers. */
export function setup(config: LogConfig): void {
  loggers.clear();
  for (const [name, { level = "INFO", handlers = [] }] of Object.entries(config.loggers ?? {})) {
    const named = handlers.map((handler) => config.handlers?.[handler]);
    loggers.set(name, new Logger(name, level, { handlers: named.filter((each) => !!each) }));
  }
}

/** The logger of that name; one that was not set up has no handlers. */
export function getLogger(name = "default"): Logger {
  return loggers.get(name) ?? new Logger(name, "NOTSET");
}
