import type { AttachContext } from "../lib/attach/context.ts";
import { fromFileUrl } from "@std/path";
import { isYes } from "../lib/cni/args.ts";
import type { Environment } from "../lib/cni/environment.ts";
import { bootId, netns, openFirewall, openHost, uptimeMs } from "../lib/platform.ts";

/** What a plugin call takes from its process, beside the call itself. */
export interface PluginContext extends AttachContext {
  /** As given; the log checks it. */
  readonly logLevel: string | undefined;
  readonly logFile: string | undefined;
}

/**
 * Reads `HEADCNI_DATA_DIR`, `HEADCNI_RUN_DIR`, `HEADCNI_RESULTS_DIR`, `HEADCNI_LOG_LEVEL`,
 * `HEADCNI_LOG_FILE` and, as the reference plugins do, `CNI_NETNS_OVERRIDE`. Empty variables count as absent.
 */
export function pluginContext(env: Environment): PluginContext {
  return {
    node: { openHost, openFirewall, bootId, uptimeMs, netns },
    runDirectory: env.HEADCNI_RUN_DIR || "/run/headcni",
    resultsDirectory: env.HEADCNI_RESULTS_DIR || "/var/lib/cni/results",
    self: ownCommand(),
    env,
    dataDirectory: env.HEADCNI_DATA_DIR || undefined,
    allowOwnNetns: isYes(env.CNI_NETNS_OVERRIDE),
    logLevel: env.HEADCNI_LOG_LEVEL || undefined,
    logFile: env.HEADCNI_LOG_FILE || undefined,
    nowMs: Date.now,
    elapsedMs: () => performance.now(), // the process began with the call
    random: Math.random,
  };
}

/** Path of our executable: one file can be installed, our source cannot. */
export function ownExecutable({ self }: Pick<PluginContext, "self">): string | undefined {
  return self.length === 1 ? self[0] : undefined;
}

/** How this program was started: as an executable, as a script with a shebang, or from its source. */
function ownCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const program = fromFileUrl(Deno.mainModule);
  if (!program.endsWith(".ts")) return [program];
  const source = fromFileUrl(new URL("../main.ts", import.meta.url));
  return [Deno.execPath(), "run", "-A", "--unstable-kv", source];
}
