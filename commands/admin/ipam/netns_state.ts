import { lookForNetns } from "../../../lib/attach/left_over.ts";
import { isProvenGone } from "../../../lib/ipam/liveness.ts";

/** What is at the path of a namespace; `unknown` when it could not be seen from here. */
export type NetnsState = "present" | "gone" | "unknown";

/** How people read it, after the path. */
export const NETNS_STATE_TEXTS: Readonly<Record<NetnsState, string>> = {
  present: "is there",
  gone: "is gone",
  unknown: "cannot be seen from here",
};

/** Looks at the path of a namespace; an empty one is unknown. */
export function netnsState(path: string): NetnsState {
  const facts = lookForNetns(path);
  if (path === "") return "unknown";
  if (facts.hasNetns) return "present";
  return isProvenGone(facts) ? "gone" : "unknown";
}
