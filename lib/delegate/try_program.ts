/** Whether a program of ours runs where it was put. */
import { errorText } from "../errors.ts";
import { VERSION } from "../version.ts";
import { type ChildOutcome, runChild } from "./child.ts";

/** What every name and bundle must print when a runtime or a person calls it. */
const TRIALS: readonly [name: string, args: string[], env: Record<string, string>, text: string][] =
  [
    ["headcni", [], { CNI_COMMAND: "VERSION" }, "supportedVersions"],
    ["headcni-ipam", [], { CNI_COMMAND: "VERSION" }, "supportedVersions"],
    ["headcni", ["version"], {}, VERSION],
    ["headcni", ["--help"], {}, "Usage"],
    ["headcni", ["status", "--help"], {}, "Usage"],
    ["headcni-daemon", ["--version"], {}, VERSION],
    ["headcni", ["/nonexistent"], { HEADCNI_ROLE: "store-check" }, "started"],
  ];

/** The first start has no code cache, on a machine that may be busy with pods. */
const DEADLINE_MS = 60_000;

/**
 * Runs each name and bundle of this release once, which also fills the cache of the script form.
 * @param folder that holds the executable and its other names.
 * @returns what went wrong, or undefined.
 */
export async function tryProgram(folder: string): Promise<string | undefined> {
  for (const [name, args, env, text] of TRIALS) {
    const tried = `"${[name, ...args].join(" ")}"`;
    const options = { args, env, stdin: "", deadlineMs: DEADLINE_MS };
    const outcome = await runChild(`${folder}/${name}`, options).catch(errorText);
    if (typeof outcome === "string") return `${tried} cannot be started: ${outcome}`;
    if (outcome.code === 0 && outcome.stdout.includes(text)) continue;
    return `${tried} ended with ${endOf(outcome)} and "${saidBy(outcome)}"`;
  }
  return undefined;
}

function endOf({ code, signal }: ChildOutcome): string {
  return signal ?? String(code);
}

function saidBy({ stderr, stdout }: ChildOutcome): string {
  return (stderr || stdout).split("\n")[0] ?? "";
}
