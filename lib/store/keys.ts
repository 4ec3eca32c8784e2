/**
 * The keys of the store. Addresses are bytes in network order, so that the order of keys is the
 * order of numbers, and 4 or 16 bytes tell the family.
 */
import type { AttachmentKey } from "../attachment.ts";
import type { Block } from "../ipam/block.ts";
import { type Address, addressBytes, type Family } from "../net/address.ts";
import type { PortProtocol } from "../net/host_port.ts";

/** `{version, readableFrom}`: the format of everything else. */
export const SCHEMA_KEY: Deno.KvKey = ["schema"];

/** Boot id of the boot in which what earlier boots left was last cleared away. */
export const BOOT_KEY: Deno.KvKey = ["boot"];

/** Where all counters lie. */
export const COUNTER_PREFIX: Deno.KvKey = ["counter"];

/** Where the `ipam` sections of all networks lie. */
export const NETWORK_PREFIX: Deno.KvKey = ["network"];

/** Where the owners of all addresses lie. */
export const ADDRESS_PREFIX: Deno.KvKey = ["address"];

/** Where the bits of all summaries lie. */
export const SUMMARY_PREFIX: Deno.KvKey = ["summary"];

/** Where the host ports of all attachments lie. */
export const PORT_PREFIX: Deno.KvKey = ["port"];

/** Where all cursors lie. */
export const CURSOR_PREFIX: Deno.KvKey = ["cursor"];

/** The counter of a metric and its labels, a `Deno.KvU64`. */
export function counterKey(metric: string, ...labels: readonly string[]): Deno.KvKey {
  return [...COUNTER_PREFIX, metric, ...labels];
}

/** The lease of an attachment. */
export function leaseKey(key: AttachmentKey): Deno.KvKey {
  return ["lease", ...attachmentParts(key)];
}

/** Where the leases of a network lie, or all. */
export function leasePrefix(network?: string): Deno.KvKey {
  return below("lease", network);
}

/** Intent and outcome of an attachment. */
export function recordKey(key: AttachmentKey): Deno.KvKey {
  return ["attachment", ...attachmentParts(key)];
}

/** Where the attachments of a network lie, or all. */
export function recordPrefix(network?: string): Deno.KvKey {
  return below("attachment", network);
}

/** The owner of an address. */
export function addressKey(network: string, address: Address): Deno.KvKey {
  return [...ADDRESS_PREFIX, network, addressBytes(address)];
}

/** The bits of a page or of a summary above it. */
export function blockKey(network: string, { level, first }: Block): Deno.KvKey {
  return level === 0
    ? ["page", network, addressBytes(first)]
    : [...SUMMARY_PREFIX, network, level, addressBytes(first)];
}

/** Where the bits of the pages of a network lie, or all. */
export function pagePrefix(network?: string): Deno.KvKey {
  return below("page", network);
}

/** A released address, after the time of the boot's clock until which nobody else gets it. */
export function restingKey(network: string, untilUptimeMs: number, address: Address): Deno.KvKey {
  return ["resting", network, untilUptimeMs, addressBytes(address)];
}

/** Where the resting addresses of a network lie, or all. */
export function restingPrefix(network?: string): Deno.KvKey {
  return below("resting", network);
}

/** The address that was given last from a range set of a pool, by its index. */
export function cursorKey(network: string, pool: string, rangeSet: number): Deno.KvKey {
  return [...CURSOR_PREFIX, network, pool, rangeSet];
}

/** The addresses that an interface of the pod of that name had last. */
export function stickyKey(
  network: string,
  namespace: string,
  podName: string,
  ifname: string,
): Deno.KvKey {
  return ["sticky", network, namespace, podName, ifname];
}

/** Where the addresses that pods of a network had last lie, or all. */
export function stickyPrefix(network?: string): Deno.KvKey {
  return below("sticky", network);
}

/** The host ports that an attachment has. */
export function portKey(key: AttachmentKey): Deno.KvKey {
  return [...PORT_PREFIX, ...attachmentParts(key)];
}

/** Which ports of a block may be taken: the node has each once, whatever the network is. */
export function takenKey(protocol: PortProtocol, family: Family, block: number): Deno.KvKey {
  return ["taken", protocol, family, block];
}

/** The `ipam` section that a network was last configured with, as JSON text. */
export function networkKey(network: string): Deno.KvKey {
  return [...NETWORK_PREFIX, network];
}

/** The attachment that a key of a lease, of a record or of host ports is about. */
export function attachmentOfKey(key: Deno.KvKey): AttachmentKey {
  const [, network, containerId, ifname] = key.map(String);
  return { network: network ?? "", containerId: containerId ?? "", ifname: ifname ?? "" };
}

function below(kind: string, network: string | undefined): Deno.KvKey {
  return network === undefined ? [kind] : [kind, network];
}

function attachmentParts(key: AttachmentKey): [string, string, string] {
  return [key.network, key.containerId, key.ifname];
}
