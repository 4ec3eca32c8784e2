import { assertEquals } from "@std/assert";
import { parseReport, parseSkips, type Run, tally } from "./tally.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.072">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="a: &lt;x&gt; &amp; &quot;q&quot;" classname="./a_test.ts" time="0.0" line="1">
        </testcase>
        <testcase name="b: needs Go" classname="./a_test.ts" time="0.0" line="2">
            <skipped/>
        </testcase>
        <testcase name="c: breaks" classname="./a_test.ts" time="0.0" line="3">
            <failure message="Error: x">Error: x</failure>
        </testcase>
        <testcase name="d: works" classname="./a_test.ts" time="0.0" line="4">
        </testcase>
    </testsuite>
</testsuites>
`;

const run = (...outcomes: ("passed" | "failed" | "skipped")[]): Run => ({
  name: "unit",
  exitCode: outcomes.includes("failed") ? 1 : 0,
  cases: outcomes.map((outcome, index) => ({ name: `t${index}: x`, file: "a_test.ts", outcome })),
});

Deno.test("parseReport: names, files and outcomes", () => {
  assertEquals(parseReport(REPORT), [
    { name: 'a: <x> & "q"', file: "./a_test.ts", outcome: "passed" },
    { name: "b: needs Go", file: "./a_test.ts", outcome: "skipped" },
    { name: "c: breaks", file: "./a_test.ts", outcome: "failed" },
    { name: "d: works", file: "./a_test.ts", outcome: "passed" },
  ]);
});

Deno.test("parseSkips: comments and blank lines are no entries", () => {
  assertEquals(parseSkips("# why\n\n  go: *  \nhelm: renders\n"), ["go: *", "helm: renders"]);
});

Deno.test("tally: sums the runs", () => {
  const { notes: _, ...counts } = tally(
    [run("passed", "failed"), run("skipped", "passed")],
    [],
    false,
  );
  assertEquals(counts, { passed: 2, failed: 1, skipped: 1 });
});

Deno.test("tally: a run that fails without a failed test is a failure", () => {
  assertEquals(tally([{ ...run("passed"), exitCode: 1 }], [], false), {
    passed: 1,
    failed: 1,
    skipped: 0,
    notes: ['failed: run "unit" ended with 1'],
  });
});

Deno.test("tally: strict, a skip that is not on the list is a failure", () => {
  assertEquals(tally([run("skipped", "skipped")], ["t1: *"], true), {
    passed: 0,
    failed: 1,
    skipped: 1,
    notes: ["failed: a_test.ts: t0: x: may not skip here"],
  });
});

Deno.test("tally: strict, an entry that no test matches is told", () => {
  assertEquals(tally([run("skipped", "passed")], ["t0: x", "t1: *", "t0:", "gone"], true), {
    passed: 1,
    failed: 0,
    skipped: 1,
    notes: [
      'tests/skips.txt: no test matches "t0:"',
      'tests/skips.txt: no test matches "gone"',
    ],
  });
});
