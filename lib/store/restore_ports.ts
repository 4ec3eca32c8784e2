import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import { log } from "../log.ts";
import type { HostPort } from "../net/host_port.ts";
import { type OwnedPort, takePorts } from "./ports.ts";
import type { StoreTransaction } from "./transaction.ts";

/** All that is told of the host ports of one attachment. */
export interface OwnPorts {
  readonly owner: AttachmentKey;
  readonly ports: readonly HostPort[];
}

/** The ports of each attachment that has some. */
export function byOwner(owned: readonly OwnedPort[]): OwnPorts[] {
  const groups = Map.groupBy(owned, ({ owner }) => formatAttachment(owner));
  return Array.from(groups.values()).flatMap((group) => {
    const [first] = group;
    return first ? [{ owner: first.owner, ports: group.map(({ port }) => port) }] : [];
  });
}

/**
 * Puts back the host ports of an attachment that witnesses tell of, whoever has them in the store.
 * @throws StoreError.
 */
export async function restorePorts(
  tx: StoreTransaction,
  { owner, ports }: OwnPorts,
): Promise<void> {
  try {
    await takePorts(tx, owner, ports);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error("Cannot restore host ports", { key: owner, error });
  }
}
