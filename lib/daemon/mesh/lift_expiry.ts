/** Has Headscale let this node in again where it would not do so for a key. */
import type { HeadscaleClient } from "../../headscale/client.ts";
import { log } from "../../log.ts";
import { decideExpiryLift } from "../../mesh/lift_expiry.ts";

/**
 * Makes the key of our own node good again, if that is to be; it is found by its key, and no other is
 * ever touched. A failure is logged only: a login may do without.
 * @param nodeKey of this node when it was in last.
 */
export async function liftExpiry(
  headscale: Pick<HeadscaleClient, "findNode" | "disableExpiry">,
  nodeKey: string,
): Promise<void> {
  try {
    const node = await headscale.findNode({ nodeKey });
    if (!node) return;
    const reason = decideExpiryLift(node, Date.now());
    if (reason === undefined) return;
    log.info("Lift the expiry of this node", { id: node.id, reason });
    await headscale.disableExpiry(node.id);
  } catch (error) {
    log.warn("Cannot see to the expiry of this node at Headscale", { error });
  }
}
