/** What of the mesh keeps a node from being ready. */
import type { Condition } from "./conditions.ts";

/** Why the node is not ready: conditions that fail. What is unknown is no reason. */
export function meshReasons(conditions: readonly Condition[]): string[] {
  return conditions.filter(({ verdict }) => verdict === "fail").map(({ title, evidence, fix }) =>
    `mesh: ${title}: ${evidence}${fix === "" ? "" : `; ${fix}`}`
  );
}
