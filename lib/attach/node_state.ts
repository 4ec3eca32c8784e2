/** What the daemon tells the plugins of its node: one small file below the run directory. */
import * as v from "valibot";
import { parseWith } from "../schema.ts";

/** Why an ADD on this node cannot work now, as the daemon sees it; never anything about other nodes. */
export interface NodeState {
  /** The boot in which it was written. */
  readonly bootId: string;
  /** One text each; none when all is well. */
  readonly problems: readonly string[];
}

const NAME = "state.json";

const Stored = v.object({ bootId: v.string(), problems: v.array(v.string()) });

/** Path of the file. */
export function nodeStatePath(runDirectory: string): string {
  return `${runDirectory}/${NAME}`;
}

/**
 * Reads the file; undefined when there is none of this boot, or none that makes sense: a node may be
 * without a daemon.
 */
export function readNodeState(runDirectory: string, bootId: string): NodeState | undefined {
  try {
    const text = Deno.readTextFileSync(nodeStatePath(runDirectory));
    const state = parseWith(Stored, JSON.parse(text), "state of the node");
    return state.bootId === bootId ? state : undefined;
  } catch {
    return undefined;
  }
}
