import { ENTRIES } from "./catalogue.ts";
import { boolean } from "./kind.ts";
import { explain, type Explanation } from "./explain.ts";

/** The settings as the table of README, in Markdown. */
export function formatReadmeTable(): string {
  const rows = ENTRIES.map((entry) => formatRow(explain(entry)));
  return ["| key | default | flag, variables | meaning |", "| --- | --- | --- | --- |", ...rows]
    .join("\n");
}

function formatRow(
  { doc, wanted, keys, flags, variables, lastVariables, ...rest }: Explanation,
): string {
  const others = [...flags, ...variables, ...lastVariables];
  const cells = [
    keys.map(code).join(", "),
    rest.default === null ? "none" : code(rest.default),
    others.length === 0 ? "none" : others.map(code).join(", "),
    wanted === boolean.wanted ? doc : `${doc} (${wanted})`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
