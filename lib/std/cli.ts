/** `@std/cli`: command lines, with the signature of std's `parseArgs` as far as we use it. */

/** How {@linkcode parseArgs} reads options. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  D extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>,
> {
  /** Options without a value; false when absent. */
  readonly boolean?: readonly B[];
  /** Options with a value that stays text. `_` keeps the other arguments text, too. */
  readonly string?: readonly S[];
  /** Other names of an option, by its name. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Values of absent options. */
  readonly default?: D;
  /** Called for every option that is not declared, and for every other argument without `key`;
   * answering false leaves it out of the result. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What {@linkcode parseArgs} answers: a value by option, and in `_` what is no option. */
export type Args<B extends string, S extends string, D> =
  & { [K in B]: boolean }
  & { [K in Exclude<S, "_">]: K extends keyof D ? string : string | undefined }
  & { _: ("_" extends S ? string : string | number)[] };

/**
 * Reads `--name value`, `--name=value`, `-n value`, `-nvalue`, `-abc`; `--` ends the options. A
 * value that looks like a number is one, unless the option is declared as text.
 */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const D extends Readonly<Record<string, unknown>> = Readonly<Record<never, unknown>>,
>(args: readonly string[], options?: ParseOptions<B, S, D>): Args<B, S, D>;
export function parseArgs(
  args: readonly string[],
  options: ParseOptions = {},
): Record<string, unknown> {
  const reader = new ArgsReader(options);
  reader.read(args);
  return reader.result;
}

class ArgsReader {
  readonly result: Record<string, unknown>;
  readonly #options: ParseOptions;
  readonly #positionals: unknown[] = [];
  /** All names of an option, by each of its names. */
  readonly #names = new Map<string, readonly string[]>();
  readonly #booleans: ReadonlySet<string>;
  readonly #strings: ReadonlySet<string>;

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, aliases] of Object.entries(options.alias ?? {})) {
      const all = [name, ...[aliases].flat()];
      for (const each of all) this.#names.set(each, all);
    }
    this.#booleans = new Set((options.boolean ?? []).flatMap((name) => this.#namesOf(name)));
    this.#strings = new Set((options.string ?? []).flatMap((name) => this.#namesOf(name)));
    this.result = { _: this.#positionals };
    for (const name of this.#booleans) this.result[name] = false;
    for (const [name, value] of Object.entries(options.default ?? {})) this.#set(name, value);
  }

  read(args: readonly string[]): void {
    for (let at = 0; at < args.length; at++) {
      const arg = args[at] ?? "";
      if (arg === "--") return this.#addPositionals(args.slice(at + 1));
      if (arg.length > 1 && arg.startsWith("-") && !isNumber(arg)) {
        at += this.#readOption(arg, args[at + 1]);
      } else {
        this.#addPositionals([arg]);
      }
    }
  }

  /** Answers how many following arguments the option took. */
  #readOption(arg: string, next: string | undefined): number {
    if (!arg.startsWith("--")) return this.#readLetters(arg, next);
    const equals = arg.indexOf("=");
    if (equals < 0) return this.#takeWithNext(arg, arg.slice(2), next);
    return this.#take(arg, arg.slice(2, equals), arg.slice(equals + 1));
  }

  /** `-abc`, `-n5`, `-n=5`, `-ovalue`: each letter an option, a letter with a value the last. */
  #readLetters(arg: string, next: string | undefined): number {
    const letters = arg.slice(1);
    for (let at = 0; at < letters.length; at++) {
      const name = letters.charAt(at);
      const rest = letters.slice(at + 1);
      if (rest === "") return this.#takeWithNext(arg, name, next);
      if (rest.startsWith("=")) return this.#take(arg, name, rest.slice(1));
      const takesRest = this.#strings.has(name) || (isNumber(rest) && !this.#booleans.has(name));
      if (takesRest) return this.#take(arg, name, rest);
      this.#take(arg, name, true);
    }
    return 0;
  }

  #takeWithNext(arg: string, name: string, next: string | undefined): number {
    const isValue = this.#booleans.has(name)
      ? next === "true" || next === "false"
      : next !== undefined && (!next.startsWith("-") || isNumber(next));
    if (isValue && next !== undefined) {
      this.#take(arg, name, next);
      return 1;
    }
    return this.#take(arg, name, this.#strings.has(name) ? "" : true);
  }

  #take(arg: string, name: string, raw: string | true): 0 {
    const declared = this.#booleans.has(name) || this.#strings.has(name) || this.#names.has(name);
    const value = this.#convert(name, raw);
    if (declared || this.#options.unknown?.(arg, name, value) !== false) this.#set(name, value);
    return 0;
  }

  #convert(name: string, raw: string | true): unknown {
    if (this.#booleans.has(name)) return raw !== "false";
    return raw === true || this.#strings.has(name) || !isNumber(raw) ? raw : Number(raw);
  }

  #set(name: string, value: unknown): void {
    for (const each of this.#namesOf(name)) this.result[each] = value;
  }

  #namesOf(name: string): readonly string[] {
    return this.#names.get(name) ?? [name];
  }

  #addPositionals(args: readonly string[]): void {
    for (const arg of args) {
      if (this.#options.unknown?.(arg) === false) continue;
      this.#positionals.push(isNumber(arg) && !this.#strings.has("_") ? Number(arg) : arg);
    }
  }
}

function isNumber(text: string): boolean {
  return /^0x[0-9a-f]+$/i.test(text) || /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/.test(text);
}
