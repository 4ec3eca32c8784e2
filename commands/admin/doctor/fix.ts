/** `headcni doctor --fix`: what is mended, and who is asked before. */
import type { Environment } from "../../../lib/cni/environment.ts";
import { mendNode } from "../../../lib/daemon/doctor/mend.ts";
import type { DoctorOptions } from "../../../lib/daemon/doctor/scene.ts";
import type { Judged, Remedy } from "../../../lib/doctor/check.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { pluginContext } from "../../context.ts";
import { logByHand } from "../../logged.ts";

/** What was mended. */
export interface Fix {
  readonly remedy: Remedy;
  /** Ids of the checks that asked for it. */
  readonly checks: readonly string[];
  readonly done: readonly string[];
  readonly failures: readonly string[];
}

/** What each does, as a person is asked. */
const QUESTIONS: Readonly<Record<Remedy, string>> = {
  turn: "Make one turn over the node, as the daemon does",
  leases: "Free the leases of pods that two proofs call dead",
  store: "Open each store as an ADD does: make a damaged one anew, write what waits",
};

/** The store first: what a turn masquerades is in it. */
const ORDER: readonly Remedy[] = ["store", "leases", "turn"];

/**
 * Nothing is changed that nobody agreed to.
 * @throws ConfigError when nobody can be asked.
 */
export function requireConsent(
  { yes, isForPeople }: { readonly yes: boolean; readonly isForPeople: boolean },
): void {
  if (yes || isForPeople && Deno.stdin.isTerminal()) return;
  throw new ConfigError(
    "invalid-config",
    isForPeople
      ? "Cannot ask before mending: standard input is no terminal; --yes mends without asking"
      : "Cannot ask before mending: a program reads what is printed; --yes mends without asking",
  );
}

/** Mends what may be mended of what was found, one remedy after the other. */
export async function fixNode(
  options: DoctorOptions,
  judged: readonly Judged[],
  { yes, env }: { readonly yes: boolean; readonly env: Environment },
): Promise<Fix[]> {
  logByHand(pluginContext(env));
  const fixes: Fix[] = [];
  for (const remedy of ORDER) {
    const checks = judged.filter((one) =>
      one.remedy === remedy && (one.verdict === "fail" || one.verdict === "warn")
    ).map(({ id }) => id);
    if (checks.length === 0) continue;
    if (!yes && !confirm(`${QUESTIONS[remedy]} (${checks.join(", ")})?`)) continue;
    const mended = await mendNode(remedy, options);
    log.info("Done", { verb: "doctor --fix", remedy, checks, ...mended });
    fixes.push({ remedy, checks, ...mended });
  }
  return fixes;
}
