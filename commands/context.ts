import type { AttachContext } from "../lib/attach/context.ts";
import { isYes } from "../lib/cni/args.ts";
import type { Environment } from "../lib/cni/environment.ts";
import { bootId, openFirewall, openHost } from "../lib/platform.ts";

/** What a plugin call takes from its process, beside the call itself. */
export interface PluginContext extends AttachContext {
  /** As given; the log checks it. */
  readonly logLevel: string | undefined;
  readonly logFile: string | undefined;
}

/**
 * Reads `HEADCNI_DATA_DIR`, `HEADCNI_RUN_DIR`, `HEADCNI_LOG_LEVEL`, `HEADCNI_LOG_FILE` and, as the
 * reference plugins do, `CNI_NETNS_OVERRIDE`. Empty variables count as absent.
 */
export function pluginContext(env: Environment): PluginContext {
  return {
    node: { openHost, openFirewall, bootId },
    runDirectory: env.HEADCNI_RUN_DIR || "/run/headcni",
    dataDirectory: env.HEADCNI_DATA_DIR || undefined,
    allowOwnNetns: isYes(env.CNI_NETNS_OVERRIDE),
    logLevel: env.HEADCNI_LOG_LEVEL || undefined,
    logFile: env.HEADCNI_LOG_FILE || undefined,
    nowMs: Date.now,
  };
}
