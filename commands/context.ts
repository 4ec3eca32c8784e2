import type { Environment } from "../lib/cni/environment.ts";

/** What a plugin call takes from its process, beside the call itself. */
export interface PluginContext {
  /** Store directory where no configuration names one. */
  readonly dataDir: string;
  /** Folder of locks and of the registry of stores; gone after a reboot. */
  readonly runDir: string;
  /** As given; the log checks it. */
  readonly logLevel: string | undefined;
  readonly logFile: string | undefined;
  /** Accept our own namespace as a pod's: only tests want that. */
  readonly allowOwnNetns: boolean;
  /** Wall clock in milliseconds since 1970. */
  nowMs(): number;
}

/**
 * Reads `HEADCNI_DATA_DIR`, `HEADCNI_RUN_DIR`, `HEADCNI_LOG_LEVEL`, `HEADCNI_LOG_FILE` and, as the
 * reference plugins do, `CNI_NETNS_OVERRIDE`. Empty variables count as absent.
 */
export function pluginContext(env: Environment): PluginContext {
  return {
    dataDir: env.HEADCNI_DATA_DIR || "/var/lib/headcni",
    runDir: env.HEADCNI_RUN_DIR || "/run/headcni",
    logLevel: env.HEADCNI_LOG_LEVEL || undefined,
    logFile: env.HEADCNI_LOG_FILE || undefined,
    allowOwnNetns: /^(1|true)$/i.test(env.CNI_NETNS_OVERRIDE ?? ""),
    nowMs: Date.now,
  };
}
