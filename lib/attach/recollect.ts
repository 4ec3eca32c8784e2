/** What a store is made anew from: its witnesses, and what can still be read of the damaged one. */
import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { salvageStore } from "../delegate/examine.ts";
import { log } from "../log.ts";
import type { Recollection } from "../store/mend.ts";
import { NO_OTHERS, parseSalvage } from "../store/salvage.ts";
import type { AttachContext } from "./context.ts";
import { recallPorts } from "./recall_ports.ts";
import { recallLeases } from "./witnesses.ts";

/**
 * Recalls what a store had. The log names each lease that the damaged file had and nobody tells of.
 * @param config of the request that found the store lost.
 * @param directory of the store.
 * @param damaged its file; undefined where there is none.
 * @throws as {@linkcode recallLeases}; StoreError `store-failure` when more may be read another time.
 */
export async function recollect(
  config: NetworkConfig,
  context: AttachContext,
  directory: string,
  damaged: string | undefined,
): Promise<Recollection> {
  if (damaged === undefined) {
    const leases = await recallLeases(config, context, directory);
    return { leases, others: { ...NO_OTHERS, ports: recallPorts(keysOf(leases), [], context) } };
  }
  const { leases: read, others, lost } = await parseSalvage(
    await salvageStore(context.self, damaged),
  );
  const leases = await recallLeases(config, context, directory, read);
  const known = new Set(leases.map(({ key }) => formatAttachment(key)));
  for (const key of lost.filter((key) => !known.has(formatAttachment(key)))) {
    log.error("Cannot keep a lease: nobody tells of it but a record that cannot be read", {
      ...key,
    });
  }
  const owners = keysOf([...leases, ...others.attachments]);
  return { leases, others: { ...others, ports: recallPorts(owners, others.ports, context) } };
}

function keysOf(owners: readonly { readonly key: AttachmentKey }[]): AttachmentKey[] {
  return owners.map(({ key }) => key);
}
