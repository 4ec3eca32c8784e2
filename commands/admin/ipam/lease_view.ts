/** Leases as the verbs of `headcni ipam` print and read them in JSON. */
import type { AttachmentKey } from "../../../lib/attachment.ts";
import { type Address, formatAddress } from "../../../lib/net/address.ts";
import { type LeaseRecord, toLeaseRecord } from "../../../lib/store/lease_record.ts";
import type { Lease } from "../../../lib/store/leases.ts";
import type { Moment, RestingAddress } from "../../../lib/store/resting.ts";
import type { Screen } from "../screen.ts";
import { formatAge, formatContainerId, formatPod, formatTable } from "../table.ts";

/** A lease in JSON. */
export type LeaseView = AttachmentKey & LeaseRecord;

/** A value and the directory of the store that it is from. */
export type InStore<T> = T & { readonly store: string };

/** A lease for JSON. */
export function viewLease(lease: Lease): LeaseView {
  return { ...lease.key, ...toLeaseRecord(lease) };
}

/** A released address for JSON. */
export interface RestingView {
  readonly network: string;
  readonly address: string;
  /** How long it still rests; 0 when its time is over, though nobody freed it yet. */
  readonly remainingMs: number;
  /** Who had it. */
  readonly last: Pick<LeaseView, "containerId" | "ifname" | "pod">;
}

/** A resting address for JSON, at a point of time. */
export function viewResting(resting: RestingAddress, now: Moment): RestingView {
  const { network, address, untilUptimeMs, bootId } = resting;
  const { key: { containerId, ifname }, pod } = resting.last;
  const remainingMs = bootId === now.bootId ? Math.max(0, untilUptimeMs - now.uptimeMs) : 0;
  const last = { containerId, ifname, pod };
  return { network, address: formatAddress(address), remainingMs, last };
}

/** Orders leases by network, then by address. */
export function compareLeases(a: Lease, b: Lease): number {
  if (a.key.network !== b.key.network) return a.key.network < b.key.network ? -1 : 1;
  return compareAddresses(a.addresses[0]?.address.address, b.addresses[0]?.address.address);
}

/** A table of leases, a line each; it tells the stores when there are several. */
export function formatLeases(
  leases: readonly InStore<LeaseView>[],
  nowMs: number,
  screen: Screen,
): string {
  const several = new Set(leases.map(({ store }) => store)).size > 1;
  const rows = leases.map((lease) => [
    formatAddresses(lease),
    lease.pool,
    lease.network,
    formatPod(lease.pod),
    lease.ifname,
    formatContainerId(lease.containerId),
    formatAge(nowMs - lease.createdMs),
    ...several ? [lease.store] : [],
  ]);
  return formatTable([...HEADINGS, ...several ? ["STORE"] : []], rows, screen);
}

/** The addresses of a lease with commas. */
export function formatAddresses({ addresses }: LeaseView): string {
  return addresses.map(({ address }) => address).join(",");
}

/** How texts name a lease: by its pod where that is known. */
export function describeLease({ pod, network, containerId, ifname }: LeaseView): string {
  const attachment = `${ifname} of container ${formatContainerId(containerId)} on "${network}"`;
  return pod.name === undefined ? attachment : `pod ${formatPod(pod)}, ${attachment}`;
}

const HEADINGS = ["ADDRESS", "POOL", "NETWORK", "POD", "INTERFACE", "CONTAINER", "AGE"];

function compareAddresses(a: Address | undefined, b: Address | undefined): number {
  if (!a || !b) return Number(Boolean(a)) - Number(Boolean(b));
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : Number(a.value > b.value);
}
