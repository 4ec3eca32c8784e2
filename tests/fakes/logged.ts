import { configureLog, type LogLevel } from "../../lib/log.ts";

/**
 * Runs `fn` and answers what it logs, a JSON object a line; afterwards the log is as it was before
 * anybody configured it.
 * @param level the lowest level that is answered.
 */
export async function logged(level: LogLevel, fn: () => Promise<unknown>): Promise<string> {
  const file = await Deno.makeTempFile({ prefix: "hct" });
  configureLog({ level, outputLevel: "error", file });
  try {
    await fn();
    return await Deno.readTextFile(file);
  } finally {
    configureLog({ level: "warn" });
    await Deno.remove(file);
  }
}
