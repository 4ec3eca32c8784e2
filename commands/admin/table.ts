import type { PodReference } from "../../lib/attachment.ts";

/** As many characters of a container id as runtimes show. */
const SHOWN_ID_CHARACTERS = 12;

/** Rows as text in aligned columns, two blanks apart, without trailing blanks. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
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
