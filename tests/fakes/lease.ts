import type { AttachmentKey } from "../../lib/attachment.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { type Lease, listLeases } from "../../lib/store/leases.ts";
import type { Store } from "../../lib/store/store.ts";

/** Names an attachment of a container. */
export function keyOf(containerId: string, network = "pods", ifname = "eth0"): AttachmentKey {
  return { network, containerId, ifname };
}

/** A lease of which nothing is known but its addresses, as 10.0.0.2/24, and a minute of rest. */
export function leaseOf(containerId: string, ...addresses: readonly string[]): Lease {
  return {
    key: keyOf(containerId),
    pool: "default",
    addresses: addresses.map((text) => ({ address: parsePrefix(text), gateway: undefined })),
    pod: {},
    netns: "",
    bootId: "",
    createdMs: 0,
    createdUptimeMs: 0,
    hostNetns: "",
    restMs: 60_000,
  };
}

/** Containers that have a lease, by network and name. */
export async function leasedContainers(store: Store): Promise<string[]> {
  const leases = await store.read((reader) => listLeases(reader));
  return leases.map(({ key }) => key.containerId);
}
