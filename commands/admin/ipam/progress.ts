/** Tells how far a long work is. */
export type Report = (done: number, total: number) => void;

/**
 * Reports on standard error, on one line that is written over; silent when that is no terminal.
 * @param what is being done.
 */
export function reportProgress(what: string): Report {
  if (!Deno.stderr.isTerminal()) return () => {};
  const encoder = new TextEncoder();
  return (done, total) => {
    const end = done >= total ? "\n" : "";
    Deno.stderr.writeSync(encoder.encode(`\r${what}: ${done} of ${total}${end}`));
  };
}
