import * as v from "valibot";
import { formatAttachment, type PodReference } from "../../../lib/attachment.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { type Attachment, listAttachments } from "../../../lib/store/attachments.ts";
import { SCHEMA_KEY } from "../../../lib/store/keys.ts";
import { type Lease, listLeases } from "../../../lib/store/leases.ts";
import { parseRecord } from "../../../lib/store/record.ts";
import type { Store } from "../../../lib/store/store.ts";
import { type PoolStats, readStoreStats } from "../ipam/read_stats.ts";
import { visitStores } from "../stores.ts";

/** A store, and the pools in it. */
export interface StoreSight {
  readonly store: StoreStatus;
  readonly pools: readonly PoolStats[];
}

/** A store and what is in it. */
export interface StoreStatus {
  readonly directory: string;
  /** False when nothing was ever attached there. */
  readonly exists: boolean;
  /** Version of its format. */
  readonly schema?: number;
  readonly attachments: readonly AttachmentStatus[];
}

/** A lease, an attachment, or both. */
export interface AttachmentStatus {
  readonly network: string;
  readonly containerId: string;
  readonly ifname: string;
  readonly pod: PodReference;
  /** Interface addresses with their prefix lengths; empty when another IPAM plugin has them. */
  readonly addresses: readonly string[];
  /** Absent for a lease that no plugin of ours attached. */
  readonly phase?: "adding" | "added";
  readonly hostLink?: string;
  /** Wall clock in milliseconds since 1970. */
  readonly createdMs: number;
}

/**
 * Reads one store, or all of this node.
 * @param named directory of the only store to read; else `HEADCNI_DATA_DIR` names it; else all
 * stores in use since boot are read, and the default one.
 * @throws ConfigError for a relative directory; StoreError when a store cannot be read.
 */
export function readStores(named: string | undefined, env: Environment): Promise<StoreSight[]> {
  return visitStores(named, env, readStore);
}

const StoredSchema = v.object({ version: v.number() });

async function readStore(directory: string, store: Store | undefined): Promise<StoreSight> {
  if (!store) return { store: { directory, exists: false, attachments: [] }, pools: [] };
  return await store.read(async (reader) => ({
    store: {
      directory,
      exists: true,
      schema: parseRecord(StoredSchema, await reader.get(SCHEMA_KEY), "its schema").version,
      attachments: mergeAttachments(await listLeases(reader), await listAttachments(reader)),
    },
    pools: (await readStoreStats(reader, directory)).pools,
  }));
}

/** One entry for a lease and the attachment that it belongs to, oldest first. */
function mergeAttachments(
  leases: readonly Lease[],
  attachments: readonly Attachment[],
): AttachmentStatus[] {
  const merged = new Map<string, AttachmentStatus>();
  for (const { key, pod, createdMs, phase, hostLink } of attachments) {
    const link = hostLink === undefined ? {} : { hostLink };
    merged.set(formatAttachment(key), { ...key, pod, addresses: [], phase, ...link, createdMs });
  }
  for (const { key, pod, createdMs, addresses } of leases) {
    const attachment = merged.get(formatAttachment(key)) ?? { ...key, pod, createdMs };
    const texts = addresses.map(({ address }) => formatPrefix(address));
    merged.set(formatAttachment(key), { ...attachment, addresses: texts });
  }
  return [...merged.values()].sort((a, b) => a.createdMs - b.createdMs);
}
