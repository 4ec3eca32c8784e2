import { CHECKS } from "./checks.ts";

/** What `--fix` does, by remedy. */
const REMEDIES = {
  turn: "one turn of the daemon, while none runs",
  leases: "as `headcni ipam gc`",
  store: "as the next ADD would",
} as const;

/** The checks as the table of README, in Markdown. */
export function formatChecksTable(): string {
  return [
    "| check | what it is about | more | `--fix` |",
    "| --- | --- | --- | --- |",
    ...CHECKS.map(({ id, title, anchor, remedy }) =>
      `| \`${id}\` | ${title} | [${wordsOf(anchor)}](#${anchor}) | ${
        remedy === undefined ? "" : REMEDIES[remedy]
      } |`
    ),
  ].join("\n");
}

/** As near to the heading as its link comes. */
function wordsOf(anchor: string): string {
  return anchor.replaceAll("-", " ");
}
