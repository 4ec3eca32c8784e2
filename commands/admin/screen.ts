/** What a command prints on: how wide it is, and how it shows what is well and what is not. */

/** Shows a text in its tone, where there are colours. */
export type Paint = (text: string) => string;

/** A terminal, or a file or pipe, which has neither colours nor an end of the line. */
export interface Screen {
  /** Infinity where a line may be of any length. */
  readonly columns: number;
  readonly pass: Paint;
  readonly warn: Paint;
  readonly fail: Paint;
  readonly heading: Paint;
}

/** Parameters of SGR, ECMA-48 section 8.3.117: red, green, yellow as foreground, and bold. */
const SGR = { pass: "32", warn: "33", fail: "31", heading: "1" } as const;

/** Control sequence introducer, section 5.4. */
const CSI = "\x1b[";
/** The end of all tones. */
const RESET = `${CSI}0m`;

const TONES = new RegExp(`${CSI.replace("[", "\\[")}[0-9;]*m`, "g");

const plain: Paint = (text) => text;

/** A file or a pipe. */
export const PLAIN_SCREEN: Screen = {
  columns: Infinity,
  pass: plain,
  warn: plain,
  fail: plain,
  heading: plain,
};

/** Standard output as it is; `NO_COLOR` takes the colours away. */
export function standardScreen(): Screen {
  if (!Deno.stdout.isTerminal()) return PLAIN_SCREEN;
  // A terminal of no size is one whose size nobody told.
  const columns = Deno.consoleSize().columns || Infinity;
  return Deno.noColor ? { ...PLAIN_SCREEN, columns } : colouredScreen(columns);
}

/** A terminal with colours. */
export function colouredScreen(columns: number): Screen {
  const paint = (code: string): Paint => (text) => text && `${CSI}${code}m${text}${RESET}`;
  return {
    columns,
    pass: paint(SGR.pass),
    warn: paint(SGR.warn),
    fail: paint(SGR.fail),
    heading: paint(SGR.heading),
  };
}

/** How many columns a text takes; tones take none. */
export function widthOf(text: string): number {
  return text.replaceAll(TONES, "").length;
}
