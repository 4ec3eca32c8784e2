import type { Handlers } from "../lib/cni/protocol.ts";
import type { Request } from "../lib/cni/request.ts";
import { configureLog, log, LOG_LEVELS, type LogLevel, type LogSettings } from "../lib/log.ts";
import type { PluginContext } from "./context.ts";

/** Where plugins log when nothing names a file: runtimes drop what they write to stderr. */
export const DEFAULT_LOG_FILE = "/var/log/headcni/plugin.log";

/**
 * Handlers that log each call: one line when it worked, one with the error when it did not. The
 * configuration's `logFile` and `logLevel` win over the environment's.
 */
export function logged(context: PluginContext, handlers: Handlers): Handlers {
  const wrap = <T>(handle: (request: Request) => Promise<T>) => async (request: Request) => {
    configureLog(requestSettings(request, context));
    const start = performance.now();
    const fields = () => ({
      verb: request.verb,
      network: request.config.name,
      containerId: request.containerId,
      ifname: request.ifname,
      pod: request.pod,
      milliseconds: Math.round((performance.now() - start) * 10) / 10,
    });
    try {
      const outcome = await handle(request);
      log.info("Done", fields());
      return outcome;
    } catch (error) {
      log.error("Failed", { ...fields(), error });
      throw error;
    }
  };
  return {
    ADD: wrap(handlers.ADD),
    DEL: wrap(handlers.DEL),
    CHECK: wrap(handlers.CHECK),
    GC: wrap(handlers.GC),
    STATUS: wrap(handlers.STATUS),
    ...handlers.VERSION && { VERSION: handlers.VERSION },
  };
}

/**
 * Sets up the log for what an administrator changes by hand: it is told where the calls of the runtime
 * are told.
 */
export function logByHand(context: PluginContext): void {
  configureLog(ownSettings(context));
}

function requestSettings({ config }: Request, context: PluginContext): LogSettings {
  const { logFile, logLevel } = config.raw;
  const { level, file } = ownSettings(context);
  return {
    level: toLevel(logLevel) ?? level,
    outputLevel: "error",
    file: typeof logFile === "string" && logFile ? logFile : file,
  };
}

function ownSettings({ logLevel, logFile }: PluginContext) {
  return { level: toLevel(logLevel) ?? "info", file: logFile ?? DEFAULT_LOG_FILE };
}

function toLevel(name: unknown): LogLevel | undefined {
  return LOG_LEVELS.find((level) => level === name);
}
