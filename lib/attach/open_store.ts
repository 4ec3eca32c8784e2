import type { Request } from "../cni/request.ts";
import { examineStore } from "../delegate/examine.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import { storeDirectory } from "../store/directory.ts";
import { openExistingStore, openStore, type Store, type StoreOptions } from "../store/store.ts";
import type { AttachContext } from "./context.ts";
import { recollect } from "./recollect.ts";

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

/**
 * The directory of the store that a request's configuration names.
 * @throws ConfigError when it is no absolute path.
 */
export function requestDirectory({ config }: Request, context: AttachContext): string {
  return storeDirectory({
    // Another plugin's dataDir is a folder of that plugin.
    ipam: hasForeignIpam(config.raw) ? undefined : config.ipam?.dataDir,
    network: config.raw.dataDir,
    environment: context.dataDirectory,
  });
}

/** CHECK makes nothing anew, not even a damaged store; what takes things away may use the ballast. */
function storeOptions(request: Request, context: AttachContext): StoreOptions {
  const directory = requestDirectory(request, context);
  const { runDirectory, self } = context;
  const recall = (damaged: string | undefined) =>
    recollect(request.config, context, directory, damaged);
  return {
    directory,
    runDirectory,
    mayUseBallast: request.verb === "DEL" || request.verb === "GC",
    mender: {
      examine: (file) => examineStore(self, file),
      ...request.verb !== "CHECK" && { recall },
    },
  };
}
