import type { AttachmentKey } from "../../lib/attachment.ts";
import { cacheFileName } from "../../lib/cni/result_cache.ts";

/** What is kept of an attachment, beside its names. */
export interface CachedResult {
  /** JSON text of the network configuration. */
  readonly config: string;
  /** Path of the pod's namespace. */
  readonly netns: string;
  /** `CNI_ARGS`. */
  readonly cniArgs?: readonly (readonly [name: string, value: string])[];
  /** What the chain answered. */
  readonly result: object;
}

/** Keeps the result of an ADD as libcni does: `cacheAdd` in libcni/api.go. */
export async function writeCachedResult(
  directory: string,
  key: AttachmentKey,
  { config, ...rest }: CachedResult,
): Promise<void> {
  const { network, containerId, ifname } = key;
  const names = { kind: "cniCacheV1", networkName: network, containerId, ifName: ifname };
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(
    `${directory}/${cacheFileName(key)}`,
    JSON.stringify({ ...names, config: btoa(config), ...rest }),
  );
}

/** Forgets it, as libcni does after DEL. */
export async function removeCachedResult(directory: string, key: AttachmentKey): Promise<void> {
  await Deno.remove(`${directory}/${cacheFileName(key)}`);
}
