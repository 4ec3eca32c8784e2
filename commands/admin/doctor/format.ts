/** How what the doctor found is told to people. */
import type { Judged } from "../../../lib/doctor/check.ts";
import type { Verdict } from "../../../lib/doctor/finding.ts";
import type { Screen } from "../screen.ts";
import { formatRows } from "../table.ts";
import type { Fix } from "./fix.ts";

/** A line a check, by groups; below one that is not well what was seen, what to do, where to read. */
export function formatReport(judged: readonly Judged[], screen: Screen): string {
  const groups = Map.groupBy(judged, ({ group }) => group);
  const width = Math.max(...judged.map(({ id }) => id.length));
  const paragraphs = Array.from(
    groups,
    ([group, members]) => `${screen.heading(group)}\n${formatGroup(members, width, screen)}`,
  );
  return [...paragraphs, formatCounts(judged)].join("\n\n");
}

/** What `--fix` did. */
export function formatFixes(fixes: readonly Fix[]): string {
  return fixes.map(({ checks, done, failures }) =>
    [
      `Mended for ${checks.join(", ")}:`,
      ...done.map((text) => `  ${text}`),
      ...failures.map((text) => `  FAILED: ${text}`),
      ...done.length + failures.length === 0 ? ["  there was nothing to do any more"] : [],
    ].join("\n")
  ).join("\n");
}

function wordFor(verdict: Verdict, { pass, warn, fail }: Screen): string {
  return { pass: `${pass("ok")}  `, warn: warn("warn"), fail: fail("FAIL"), skip: "-   " }[verdict];
}

/** A group of which nothing can be seen for one reason says so once. */
function formatGroup(members: readonly Judged[], width: number, screen: Screen): string {
  const [first] = members;
  const isBlind = members.every(({ verdict, evidence }) =>
    verdict === "skip" && evidence === first?.evidence
  );
  if (first && isBlind && members.length > 1) {
    const row = [
      ` ${wordFor("skip", screen)}`,
      `all ${members.length}`.padEnd(width),
      first.evidence,
    ];
    return formatRows([row], screen);
  }
  const rows = members.flatMap(({ verdict, id, evidence, fix, anchor }) => {
    const isWell = verdict === "pass" || verdict === "skip";
    return [
      [` ${wordFor(verdict, screen)}`, id.padEnd(width), evidence],
      ...fix === "" ? [] : [["", "", `-> ${fix}`]],
      ...isWell ? [] : [["", "", `   README.md#${anchor}`]],
    ];
  });
  return formatRows(rows, screen);
}

function formatCounts(judged: readonly Judged[]): string {
  const count = (wanted: Verdict) => judged.filter(({ verdict }) => verdict === wanted).length;
  return `${count("pass")} ok, ${count("warn")} warn, ${count("fail")} fail, ` +
    `${count("skip")} could not be seen`;
}
