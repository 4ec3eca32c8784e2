/** Whether Headscale has to be told that the key of this node is good again, before it logs in. */
import type { HeadscaleNode } from "./headscale_node.ts";

/** Whose a node with tags is, from 0.28 on; hscontrol/types/users.go, `TaggedDevices`. */
const OWNERS_OF_TAGGED: readonly string[] = ["", "tagged-devices"];

/**
 * Why the expiry of our own node is to be lifted; undefined when it is not to be. Headscale from 0.28 on
 * has nodes that belong to their tags alone. Their keys do not expire, so it sets no expiry when one
 * logs in, and leaves that which a logout or an administrator set: no pre-auth key brings the node back,
 * and each that can be used once is used up (hscontrol/state/state.go, `HandleNodeFromPreAuthKey`). Any
 * other node, and every one up to 0.27, is good again when it logs in.
 * @param nowMs milliseconds since 1970.
 */
export function decideExpiryLift(
  node: Pick<HeadscaleNode, "tags" | "user" | "expiry">,
  nowMs: number,
): string | undefined {
  if (node.tags.length === 0 || !OWNERS_OF_TAGGED.includes(node.user)) return undefined;
  if (node.expiry === undefined || Date.parse(node.expiry) > nowMs) return undefined;
  return `it belongs to ${node.tags.join(", ")}: Headscale would leave its key expired at a login`;
}
