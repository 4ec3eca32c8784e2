import { assertEquals } from "@std/assert";
import { judgeAttempts, skipTrial, type Trial } from "../../../lib/daemon/connect/trial.ts";
import { PLAIN_SCREEN } from "../screen.ts";
import { formatSummary, formatTrial, reportTrials } from "./report.ts";

const HEAD = { id: "gateway", title: "a pod reaches its gateway", fix: "mend it" };

/** A trial of attempts with these failures. */
function judge(...failures: readonly (string | undefined)[]): Promise<Trial> {
  return judgeAttempts(
    HEAD,
    failures.map((failure, index) => ({
      what: `attempt ${index}`,
      failure: Promise.resolve(failure),
    })),
  );
}

Deno.test("judgeAttempts, formatTrial: one failure fails it, and is what is told", async () => {
  const failed = await judge(undefined, "no answer");
  assertEquals([failed.verdict, failed.text], ["failed", "attempt 1: no answer"]);
  assertEquals(
    formatTrial(failed, false, PLAIN_SCREEN),
    "FAIL  a pod reaches its gateway\n      attempt 1: no answer\n      -> mend it",
  );
  assertEquals(formatTrial(failed, true, PLAIN_SCREEN).split("\n").length, 4);
});

Deno.test("formatTrial: of what passed only the title, unless each attempt is asked for", async () => {
  const passed = await judge(undefined);
  assertEquals(formatTrial(passed, false, PLAIN_SCREEN), "ok    a pod reaches its gateway");
  assertEquals(
    formatTrial(passed, true, PLAIN_SCREEN),
    "ok    a pod reaches its gateway\n      attempt 0",
  );
});

Deno.test("reportTrials, formatSummary: counts each verdict", async () => {
  const skipped = skipTrial(HEAD, "no pod");
  assertEquals(
    formatTrial(skipped, false, PLAIN_SCREEN),
    "skip  a pod reaches its gateway\n      no pod",
  );
  const report = reportTrials([await judge("no"), skipped, skipped]);
  assertEquals(formatSummary(report), "Passed 0, failed 1, skipped 2");
});
