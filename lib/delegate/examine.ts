/** Reading the file of a store in a child: a damaged one can end the runtime that opens it. */
import * as v from "valibot";
import { errorText, StoreError } from "../errors.ts";
import { type ChildOutcome, runChild } from "./child.ts";

/**
 * Most time in milliseconds for a small file, and what each MiB adds: 60,000 leases take some 6
 * seconds, 100 less than 0.1.
 */
const DEADLINE_MS = 30_000;
const DEADLINE_MS_PER_MIB = 1_000;
const MIB = 1024 * 1024;
/** Most faults that are told. */
const MAX_SHOWN = 3;
/** Most that is taken from a damaged file, in bytes: 60,000 leases have some 60 MiB. */
const MAX_SALVAGED_BYTES = 256 * MIB;
/** Ends that reading memory which is not there brings: others may stem from anything. */
const CRASHES: readonly Deno.Signal[] = ["SIGBUS", "SIGSEGV"];
/** How Deno ends over a file that its KV cannot make sense of: denokv_sqlite/lib.rs. */
const PANIC = /Deno has panicked[^]*denokv_sqlite/;
/** What may pass, even when it made the KV panic: SQLite, "Result and Error Codes". */
const PASSING = /disk I\/O error|disk is full|is locked|out of memory|unable to open/;

const Verdict = v.union([
  v.object({ faults: v.array(v.string()) }),
  v.object({ error: v.string() }),
]);

/**
 * Tells what is wrong with the file of a store, undefined when nothing is.
 * @param self the command that starts this program.
 * @throws StoreError `store-failure` when it cannot be told.
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
 * @throws StoreError `store-failure` when it cannot be told.
 */
export async function listStoreFaults(
  self: readonly string[],
  file: string,
): Promise<readonly string[]> {
  const { lines, ...outcome } = await runCheck(self, [file]);
  if (outcome.timedOut) throw undecided(file, "no verdict in time");
  const verdict = parseVerdict(lines.at(-1));
  if (!verdict) {
    if (isCrash(outcome)) return [`its check crashed: ${endText(outcome)}`];
    throw undecided(file, endText(outcome));
  }
  if ("error" in verdict) throw undecided(file, verdict.error);
  return verdict.faults;
}

/**
 * Takes from the file of a damaged store what can be read: lines for `parseSalvage`. A crash only ends
 * them, and so does the deadline.
 * @param self the command that starts this program.
 * @throws StoreError `store-failure` when more may be read another time.
 */
export async function salvageStore(
  self: readonly string[],
  file: string,
): Promise<readonly string[]> {
  const { lines, ...outcome } = await runCheck(self, [file, "salvage"], MAX_SALVAGED_BYTES);
  if (lines.at(-1) === "ended") return lines.slice(0, -1);
  if (outcome.timedOut || isCrash(outcome)) return lines;
  throw undecided(file, endText(outcome));
}

function faultText(faults: readonly string[]): string | undefined {
  if (faults.length === 0) return undefined;
  const more = faults.length > MAX_SHOWN ? [`and ${faults.length - MAX_SHOWN} more`] : [];
  return [...faults.slice(0, MAX_SHOWN), ...more].join("; ").replaceAll("\n", " ");
}

/** Answers how the child ended and what it said after it had begun. */
async function runCheck(
  [program = "", ...args]: readonly string[],
  [file, ...task]: readonly [file: string, ...task: string[]],
  maxOutputBytes?: number,
): Promise<ChildOutcome & { readonly lines: readonly string[] }> {
  const options = {
    args: [...args, file, ...task],
    env: { HEADCNI_ROLE: "store-check", NO_COLOR: "1" },
    stdin: "",
    deadlineMs: deadlineMs(file),
    ...maxOutputBytes !== undefined && { maxOutputBytes },
  };
  const outcome = await runChild(program, options).catch((cause) => {
    throw undecided(file, errorText(cause), cause);
  });
  const [first, ...lines] = outcome.stdout.trim().split("\n");
  if (first !== "started") throw undecided(file, `it did not begin: ${endText(outcome)}`);
  return { ...outcome, lines };
}

/** A file that cannot be looked at is the child's to tell of. */
function deadlineMs(file: string): number {
  try {
    return DEADLINE_MS + Math.ceil(Deno.statSync(file).size / MIB) * DEADLINE_MS_PER_MIB;
  } catch {
    return DEADLINE_MS;
  }
}

function parseVerdict(line = ""): v.InferOutput<typeof Verdict> | undefined {
  try {
    return v.parse(Verdict, JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** True for an end that the file brought about, and will again. */
function isCrash({ signal, stderr }: ChildOutcome): boolean {
  if (signal !== null) return CRASHES.includes(signal);
  return PANIC.test(stderr) && !PASSING.test(stderr);
}

function endText({ code, signal, stderr }: ChildOutcome): string {
  const said = stderr.split("\n").find((line) => /\w/.test(line));
  return (signal ? `ended by ${signal}` : `exit code ${code}`) + (said ? `, "${said.trim()}"` : "");
}

function undecided(file: string, seen: string, cause?: unknown): StoreError {
  return new StoreError("store-failure", `Cannot examine the store "${file}": ${seen}`, {
    cause,
    details:
      "It is in doubt, and another process that looked at it came to no verdict; try again, " +
      "and see whether the disk, memory or processes of the node are exhausted",
  });
}
