/** Tables of the administrator's commands, and how single things are shown in them. */
import type { PodReference } from "../../lib/attachment.ts";
import { type Screen, widthOf } from "./screen.ts";

/** As many characters of a container id as runtimes show. */
const SHOWN_ID_CHARACTERS = 12;
/** Blanks between columns. */
const GAP = "  ";
/** A last column that has less room is left to the terminal to break. */
const MIN_WRAPPED_COLUMNS = 24;

/** Rows below their headings, in aligned columns. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  screen: Screen,
): string {
  return formatRows([headings.map(screen.heading), ...rows], screen);
}

/**
 * Rows as text in aligned columns, without trailing blanks. What is too long for a terminal in the
 * last column goes on below.
 */
export function formatRows(
  rows: readonly (readonly string[])[],
  { columns }: Pick<Screen, "columns">,
): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, widthOf(cell)));
  }
  const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = columns - indent;
  return rows.flatMap((row) => {
    const isFull = row.length === widths.length && room >= MIN_WRAPPED_COLUMNS;
    const [first = "", ...others] = isFull ? wrap(row.at(-1) ?? "", room) : [row.at(-1) ?? ""];
    const cells = [...row.slice(0, -1), first];
    const line = cells.map((cell, at) => pad(cell, widths[at] ?? 0)).join(GAP);
    return [line, ...others.map((text) => " ".repeat(indent) + text)];
  }).map((line) => line.trimEnd()).join("\n");
}

/** A span of time by its largest unit, rounded down: `59s`, `3m`, `7h`, `12d`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `namespace/name` as far as they are known, else `-`. */
export function formatPod({ namespace, name }: PodReference): string {
  return [namespace, name].filter((part) => part !== undefined).join("/") || "-";
}

/** The beginning of a container's id. */
export function formatContainerId(containerId: string): string {
  return containerId.slice(0, SHOWN_ID_CHARACTERS);
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - widthOf(cell)));
}

/** Lines of whole words; a word that is longer than a line has one of its own. */
function wrap(text: string, width: number): string[] {
  if (widthOf(text) <= width) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(`${line} ${word}`) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
