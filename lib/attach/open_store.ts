import type { Request } from "../cni/request.ts";
import { foreignIpamType } from "../pod/ipam_type.ts";
import { storeDirectory } from "../store/directory.ts";
import { openExistingStore, openStore, type Store, type StoreOptions } from "../store/store.ts";
import type { AttachContext } from "./context.ts";

/** Opens the store that a request's configuration names, or makes it. */
export function openRequestStore(request: Request, context: AttachContext): Promise<Store> {
  return openStore(storeOptions(request, context));
}

/** Opens the store that a request's configuration names; undefined when there is none. */
export function openRequestStoreIfPresent(
  request: Request,
  context: AttachContext,
): Promise<Store | undefined> {
  return openExistingStore(storeOptions(request, context));
}

function storeOptions({ config }: Request, context: AttachContext): StoreOptions {
  const directory = storeDirectory({
    // Another plugin's dataDir is a folder of that plugin.
    ipam: foreignIpamType(config.raw) === undefined ? config.ipam?.dataDir : undefined,
    network: config.raw.dataDir,
    environment: context.dataDirectory,
  });
  return { directory, runDirectory: context.runDirectory };
}
