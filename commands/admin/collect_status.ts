import * as v from "valibot";
import { formatAttachment, type PodReference } from "../../lib/attachment.ts";
import type { Environment } from "../../lib/cni/environment.ts";
import { errorText, StoreError } from "../../lib/errors.ts";
import { formatPrefix } from "../../lib/net/prefix.ts";
import { type Attachment, listAttachments } from "../../lib/store/attachments.ts";
import { storeDirectory } from "../../lib/store/directory.ts";
import { SCHEMA_KEY } from "../../lib/store/keys.ts";
import { type Lease, listLeases } from "../../lib/store/leases.ts";
import { listLockedStores } from "../../lib/store/lock.ts";
import { parseRecord } from "../../lib/store/record.ts";
import { openExistingStore } from "../../lib/store/store.ts";
import { VERSION } from "../../lib/version.ts";
import { pluginContext } from "../context.ts";

/** What `--output json` prints. */
export interface Status {
  /** The release of this program. */
  readonly version: string;
  readonly stores: readonly StoreStatus[];
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
export async function collectStatus(named: string | undefined, env: Environment): Promise<Status> {
  const { runDirectory, dataDirectory } = pluginContext(env);
  const sources = { ipam: undefined, network: named, environment: dataDirectory };
  const directory = storeDirectory(sources);
  try {
    const isChosen = named || dataDirectory;
    const others = isChosen ? [] : listStoresInUse(runDirectory);
    const stores: StoreStatus[] = [];
    for (const each of new Set([directory, ...others])) {
      stores.push(await readStore(each, runDirectory));
    }
    return { version: VERSION, stores };
  } catch (error) {
    throw explainFailure(error);
  }
}

/** One entry for a lease and the attachment that it belongs to, oldest first. */
export function mergeAttachments(
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

/** Says what to do about a store that belongs to somebody else; any other failure stays as it is. */
export function explainFailure(error: unknown): unknown {
  if (!isPermissionDenied(error)) return error;
  return new StoreError(
    "store-failure",
    `Cannot read the stores: ${errorText(error)}; they belong to root, run this as root`,
    { cause: error },
  );
}

const StoredSchema = v.object({ version: v.number() });

function listStoresInUse(runDirectory: string): string[] {
  try {
    return listLockedStores(runDirectory);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function readStore(directory: string, runDirectory: string): Promise<StoreStatus> {
  // A folder that may not be looked into is not the same as no store in it.
  if (!isPresent(directory)) return { directory, exists: false, attachments: [] };
  await using store = await openExistingStore({ directory, runDirectory });
  if (!store) return { directory, exists: false, attachments: [] };
  return await store.read(async (reader) => ({
    directory,
    exists: true,
    schema: parseRecord(StoredSchema, await reader.get(SCHEMA_KEY), "its schema").version,
    attachments: mergeAttachments(await listLeases(reader), await listAttachments(reader)),
  }));
}

function isPresent(directory: string): boolean {
  try {
    Deno.readDirSync(directory).next();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Ours pass on the system's error as their cause. */
function isPermissionDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    (error instanceof StoreError && isPermissionDenied(error.cause));
}
