/** The node daemon. */
import { runDaemon } from "../../lib/daemon/daemon.ts";
import { loadSettings } from "../../lib/daemon/settings/load.ts";
import type { Settings } from "../../lib/daemon/settings/settings.ts";
import { errorText, HeadcniError } from "../../lib/errors.ts";
import { configureLog } from "../../lib/log.ts";
import { ownExecutable, type PluginContext, pluginContext } from "../context.ts";
import { answerCommandLine } from "./answer.ts";

/**
 * Reads the command line and the settings, and runs until SIGTERM or SIGINT.
 * @returns the exit code: 0, 1 for a failure, 2 for what the caller must change.
 */
export async function main(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const answer = answerCommandLine(args, env);
  if (answer.kind === "done") return answer.code;
  const { loaded, request } = answer;
  logBySettings(loaded.settings);
  const end = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => end.abort());
  }
  try {
    await runDaemon({
      loaded,
      reload: () => loadSettings({ ...request, isReload: true }),
      onSettings: logBySettings,
      attachContext: (settings) => attachContext(settings, env),
      env,
      root: env.HEADCNI_HOST_ROOT ?? "",
      executable: ownExecutable(pluginContext(env)),
      signal: end.signal,
      onHangup: (callback) => Deno.addSignalListener("SIGHUP", callback),
    });
    return 0;
  } catch (error) {
    console.error(`headcni: ${errorText(error)}`);
    if (error instanceof HeadcniError && error.details) console.error(error.details);
    return 1;
  }
}

function attachContext(
  { dataDir, runDirectory }: Settings,
  env: Readonly<Record<string, string | undefined>>,
): PluginContext {
  return { ...pluginContext(env), dataDirectory: dataDir, runDirectory };
}

function logBySettings({ logging }: Settings): void {
  const { level, output, format, file } = logging;
  configureLog({
    level,
    outputLevel: level,
    output,
    format,
    ...file.enabled && file.path !== undefined && { file: file.path },
    limits: {
      maxBytes: file.maxSize,
      maxBackups: file.maxBackups || Infinity,
      maxAgeMs: file.maxAge.ms || Infinity,
    },
  });
}
