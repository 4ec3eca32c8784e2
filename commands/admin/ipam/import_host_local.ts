/** Leases of host-local, made into ours. */
import type { CachedAttachment } from "../../../lib/cni/result_cache.ts";
import { byAttachment, formatAttachment } from "../../../lib/attachment.ts";
import type { AttachContext } from "../../../lib/attach/context.ts";
import { isNetnsGone } from "../../../lib/attach/left_over.ts";
import { readResults } from "../../../lib/attach/result_files.ts";
import { testifiedLease } from "../../../lib/attach/testimony.ts";
import { DEFAULT_POOL } from "../../../lib/ipam/pool.ts";
import { type Address, formatAddress } from "../../../lib/net/address.ts";
import type { Lease } from "../../../lib/store/leases.ts";
import { type HostLocalAttachment, parseHostLocal, type StateFile } from "./host_local.ts";
import type { Restorable } from "./restore.ts";

/** Where the leases come from. */
export interface HostLocalSource {
  readonly directory: string;
  readonly network: string;
  /** The `ipam` section of the network, where a configuration was given. */
  readonly ipam: unknown;
}

/** What can be restored, and what an administrator should know about it. */
export interface HostLocalImport extends Restorable {
  readonly notes: readonly string[];
}

/**
 * What host-local remembers, as leases of ours. Prefix length, gateway, pod and namespace are those
 * of the runtime's cached result; without one the configuration tells the first two, else the
 * address stands for itself.
 * @throws ConfigError for a file that is not understood.
 */
export async function planHostLocalImport(
  source: HostLocalSource,
  files: readonly StateFile[],
  context: AttachContext,
): Promise<HostLocalImport> {
  const { network, ipam } = source;
  const state = parseHostLocal(source.directory, files);
  const cachedOf = byAttachment(await readResults(context.resultsDirectory));
  const all = state.attachments.map((attachment) => {
    const key = { network, containerId: attachment.containerId, ifname: attachment.ifname };
    return toLease(attachment, cachedOf.get(formatAttachment(key)), source, context);
  });
  const gone = new Set(all.filter(({ netns }) => isNetnsGone(netns)));
  const leases = all.filter((lease) => !gone.has(lease));
  return {
    leases,
    networks: ipam === undefined ? [] : [{ network, ipam }],
    cursors: Array.from(state.cursors, ([rangeSet, address]) => ({
      ...{ network, pool: DEFAULT_POOL, rangeSet, address },
    })),
    resting: [],
    sticky: [],
    notes: [
      ...state.ownerless.map(ownerlessNote),
      ...Array.from(gone, goneNote),
      ...unknownNotes(leases, context),
    ],
  };
}

function toLease(
  { containerId, ifname, addresses, createdMs }: HostLocalAttachment,
  cached: CachedAttachment | undefined,
  { network, ipam }: HostLocalSource,
  context: AttachContext,
): Lease {
  const key = { network, containerId, ifname };
  const config = ipam === undefined ? cached?.plugins.find((plugin) => plugin.ipam) : { ipam };
  return testifiedLease({ key, alias: { key, addresses, pod: undefined }, cached, config }, {
    // Nobody knows its boot. With the present one it is given up when that is over.
    bootId: context.node.bootId(),
    createdMs,
    createdUptimeMs: context.node.uptimeMs(),
    hostNetns: context.node.netns(),
  });
}

function ownerlessNote(address: Address): string {
  return `${formatAddress(address)} is not imported: its file is empty, nobody has it`;
}

/** After a boot host-local keeps the addresses of pods that did not come back. */
function goneNote(lease: Lease): string {
  const texts = lease.addresses.map(({ address }) => formatAddress(address.address));
  return `${texts.join()} is not imported: namespace "${lease.netns}" of its pod is gone`;
}

function unknownNotes(leases: readonly Lease[], { resultsDirectory }: AttachContext): string[] {
  const unknown = leases.filter(({ netns }) => netns === "").length;
  if (unknown === 0) return [];
  return [
    `without a result in ${resultsDirectory}: ${unknown} of ${leases.length} leases; their ` +
    `pods and namespaces are not known`,
  ];
}
