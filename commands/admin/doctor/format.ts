/** How what the doctor found is told to people. */
import type { Judged } from "../../../lib/doctor/check.ts";
import type { Verdict } from "../../../lib/doctor/finding.ts";
import { formatTable } from "../table.ts";
import type { Fix } from "./fix.ts";

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "ok",
  warn: "warn",
  fail: "FAIL",
  skip: "-",
};

/** A line a check, by groups; below one that is not well what was seen, what to do, where to read. */
export function formatReport(judged: readonly Judged[]): string {
  const groups = Map.groupBy(judged, ({ group }) => group);
  const paragraphs = Array.from(groups, ([group, members]) => `${group}\n${formatGroup(members)}`);
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

/** A group of which nothing can be seen for one reason says so once. */
function formatGroup(members: readonly Judged[]): string {
  const [first] = members;
  const isBlind = members.every(({ verdict, evidence }) =>
    verdict === "skip" && evidence === first?.evidence
  );
  if (first && isBlind && members.length > 1) {
    return `  ${WORDS.skip}  all ${members.length} checks: ${first.evidence}`;
  }
  const rows = members.flatMap(({ verdict, id, evidence, fix, anchor }) => [
    [` ${WORDS[verdict]}`, id, evidence],
    ...fix === "" ? [] : [["", "", `-> ${fix}`]],
    ...verdict === "fail" || verdict === "warn" ? [["", "", `   README.md#${anchor}`]] : [],
  ]);
  return formatTable(rows.map(([verdict = "", ...rest]) => [verdict.padEnd(5), ...rest]));
}

function formatCounts(judged: readonly Judged[]): string {
  const count = (wanted: Verdict) => judged.filter(({ verdict }) => verdict === wanted).length;
  return `${count("pass")} ok, ${count("warn")} warn, ${count("fail")} fail, ` +
    `${count("skip")} could not be seen`;
}
