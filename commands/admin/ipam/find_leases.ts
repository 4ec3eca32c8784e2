/** Finds leases by what people know of them. */
import { ConfigError } from "../../../lib/errors.ts";
import type { Address } from "../../../lib/net/address.ts";
import { findLease, findOwner, type Lease, listLeases } from "../../../lib/store/leases.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";
import { formatPod } from "../table.ts";
import { listAddressSpaces } from "./address_spaces.ts";

/**
 * The leases of an address: one at most in each network.
 * @param network the only one to look into.
 */
export async function findByAddress(
  reader: StoreReader,
  address: Address,
  network?: string,
): Promise<Lease[]> {
  const leases: Lease[] = [];
  for (const space of await listAddressSpaces(reader, network)) {
    const owner = await findOwner(reader, space.network, address);
    const lease = owner && await findLease(reader, owner);
    if (lease) leases.push(lease);
  }
  return leases;
}

/**
 * The leases of a pod: one for each of its interfaces.
 * @param pod `namespace/name`, or the name alone.
 */
export async function findByPod(
  reader: StoreReader,
  pod: string,
  network?: string,
): Promise<Lease[]> {
  const leases = await listLeases(reader, network);
  return leases.filter((lease) => pod === lease.pod.name || pod === formatPod(lease.pod));
}

/**
 * Refuses a name that pods of several namespaces have.
 * @throws ConfigError that lists them.
 */
export function requireOnePod(name: string, leases: readonly Pick<Lease, "pod">[]): void {
  const pods = [...new Set(leases.map(({ pod }) => formatPod(pod)))].sort();
  if (pods.length <= 1) return;
  throw new ConfigError(
    "invalid-config",
    `Cannot tell which pod "${name}" is: there are ${pods.join(", ")}; write one of these`,
  );
}
