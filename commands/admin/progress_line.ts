/** Tells on standard error what is being done, on one line that is written over. */
export interface ProgressLine extends Disposable {
  readonly tell: (text: string) => void;
}

/** One that is silent when standard error is no terminal; disposing of it clears the line. */
export function progressLine(): ProgressLine {
  if (!Deno.stderr.isTerminal()) return { tell: () => {}, [Symbol.dispose]: () => {} };
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  // ECMA-48: the beginning of the line, and nothing behind the cursor.
  const clear = "\r\x1b[K";
  const width = () => Deno.consoleSize().columns - 1;
  return {
    tell: (text) => void write(clear + text.replaceAll("\n", " ").slice(0, width())),
    [Symbol.dispose]: () => void write(clear),
  };
}
