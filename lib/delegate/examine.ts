/** Examining the file of a store in a child: a damaged one can end the runtime that opens it. */
import * as v from "valibot";
import { errorText, StoreError } from "../errors.ts";
import { type ChildOutcome, runChild } from "./child.ts";

/** Most time in milliseconds for it: 60,000 leases take some 6 seconds, 100 less than 0.1. */
const DEADLINE_MS = 30_000;
/** Most faults that are told. */
const MAX_SHOWN = 3;
/** Ends that a process brings upon itself, signal(7): others may stem from anybody. */
const CRASHES: readonly Deno.Signal[] = [
  ...["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP"] as const,
];

const Verdict = v.union([
  v.object({ faults: v.array(v.string()) }),
  v.object({ error: v.string() }),
]);

/**
 * Tells what is wrong with the file of a store, undefined when nothing is.
 * @param self the command that starts this program.
 * @throws StoreError `try-again` when it cannot be told.
 */
export async function examineStore(
  self: readonly string[],
  file: string,
): Promise<string | undefined> {
  return faultText(await listStoreFaults(self, file));
}

/**
 * Tells all that is wrong with the file of a store, one text each.
 * @param self the command that starts this program.
 * @throws StoreError `try-again` when it cannot be told.
 */
export async function listStoreFaults(
  self: readonly string[],
  file: string,
): Promise<readonly string[]> {
  const outcome = await runCheck(self, file);
  const [first, ...lines] = outcome.stdout.trim().split("\n");
  if (outcome.timedOut) throw undecided(file, `no verdict after ${DEADLINE_MS} ms`);
  if (first !== "started") throw undecided(file, `it did not begin: ${endText(outcome)}`);
  const verdict = parseVerdict(lines.at(-1));
  if (!verdict) {
    if (isCrash(outcome)) return [`its check crashed: ${endText(outcome)}`];
    throw undecided(file, endText(outcome));
  }
  if ("error" in verdict) throw new StoreError("try-again", verdict.error);
  return verdict.faults;
}

function faultText(faults: readonly string[]): string | undefined {
  if (faults.length === 0) return undefined;
  const more = faults.length > MAX_SHOWN ? [`and ${faults.length - MAX_SHOWN} more`] : [];
  return [...faults.slice(0, MAX_SHOWN), ...more].join("; ").replaceAll("\n", " ");
}

async function runCheck(
  [program = "", ...args]: readonly string[],
  file: string,
): Promise<ChildOutcome> {
  const env = { HEADCNI_ROLE: "store-check", NO_COLOR: "1" };
  try {
    return await runChild(program, {
      args: [...args, file],
      env,
      stdin: "",
      deadlineMs: DEADLINE_MS,
    });
  } catch (cause) {
    throw undecided(file, errorText(cause), cause);
  }
}

function parseVerdict(line = ""): v.InferOutput<typeof Verdict> | undefined {
  try {
    return v.parse(Verdict, JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** Deno ends with 1 when it panics. */
function isCrash({ code, signal }: ChildOutcome): boolean {
  return signal === null ? code !== 0 : CRASHES.includes(signal);
}

function endText({ code, signal, stderr }: ChildOutcome): string {
  const said = stderr.split("\n").find((line) => /\w/.test(line));
  return (signal ? `ended by ${signal}` : `exit code ${code}`) + (said ? `, "${said.trim()}"` : "");
}

function undecided(file: string, seen: string, cause?: unknown): StoreError {
  return new StoreError("try-again", `Cannot examine the store "${file}": ${seen}`, { cause });
}
