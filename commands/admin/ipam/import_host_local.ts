/** Leases of host-local, made into ours. */
import type { CachedAttachment } from "../../../lib/cni/result_cache.ts";
import { byAttachment, formatAttachment } from "../../../lib/attachment.ts";
import type { AttachContext } from "../../../lib/attach/context.ts";
import { readResults } from "../../../lib/attach/result_files.ts";
import { testifiedLease } from "../../../lib/attach/testimony.ts";
import { DEFAULT_POOL } from "../../../lib/ipam/pool.ts";
import { formatAddress } from "../../../lib/net/address.ts";
import type { Lease } from "../../../lib/store/leases.ts";
import {
  type HostLocalAttachment,
  type HostLocalState,
  parseHostLocal,
  type StateFile,
} from "./host_local.ts";
import { netnsState } from "./netns_state.ts";
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
  const leases = state.attachments.map((attachment) => {
    const key = { network, containerId: attachment.containerId, ifname: attachment.ifname };
    return toLease(attachment, cachedOf.get(formatAttachment(key)), source, context);
  });
  return {
    leases,
    networks: ipam === undefined ? [] : [{ network, ipam }],
    cursors: Array.from(state.cursors, ([rangeSet, address]) => ({
      ...{ network, pool: DEFAULT_POOL, rangeSet, address },
    })),
    resting: [],
    sticky: [],
    notes: notesOn(state, leases, context),
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
  const isOfThisBoot = netnsState(cached?.netns ?? "") === "present";
  return testifiedLease({ key, alias: { key, addresses, pod: undefined }, cached, config }, {
    bootId: isOfThisBoot ? context.node.bootId() : "",
    createdMs,
    createdUptimeMs: isOfThisBoot ? context.node.uptimeMs() : 0,
    hostNetns: context.node.netns(),
  });
}

function notesOn(
  { ownerless }: HostLocalState,
  leases: readonly Lease[],
  { resultsDirectory }: AttachContext,
): string[] {
  const unknown = leases.filter(({ netns }) => netns === "").length;
  return [
    ...ownerless.map((address) =>
      `${formatAddress(address)} is not imported: its file is empty, nobody has it`
    ),
    ...unknown > 0
      ? [
        `without a result in ${resultsDirectory}: ${unknown} of ${leases.length} leases; their ` +
        `pods and namespaces are not known`,
      ]
      : [],
  ];
}
