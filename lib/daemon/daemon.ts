/**
 * The daemon of a node. Its loops stand by themselves: none waits for the API server, for a tailnet or
 * for another loop, and pods come and go whether it runs or not.
 */
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { lockInstance } from "./instance_lock.ts";
import { clearLeftOvers } from "./node_files.ts";
import { type DaemonOptions, notify, Running } from "./running.ts";
import { untellPlugins } from "./tell_plugins.ts";
import { watchFile } from "./watch_paths.ts";

/** How long the end waits for what is under way; all of it may take 2 s. */
const END_GRACE_MS = 1_000;

/**
 * Runs until the signal is aborted. Pods and what they need stay as they are.
 * @throws HeadcniError when another daemon runs on this node, or an address cannot be listened on.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { signal, env, loaded } = options;
  const { runDirectory } = loaded.settings;
  using _lock = lockInstance(runDirectory);
  using _told = untellPlugins(runDirectory);
  for (const warning of loaded.warnings) log.warn(warning);
  clearLeftOvers(loaded.settings);
  signal.addEventListener("abort", () => notify(env, "STOPPING=1"), { once: true });
  await Promise.race([runLoaded(options), graceAfter(signal)]);
}

async function runLoaded(options: DaemonOptions): Promise<void> {
  const { signal, loaded: { path } } = options;
  // What is served stays until a reload changes it; everything else follows the settings at each turn.
  await using running = await Running.start(options, options.loaded);
  // One after the other: a signal and a change of the file often come together.
  let reloading = Promise.resolve();
  const reload = () => {
    reloading = reloading.then(() => signal.aborted ? undefined : reloadInto(running, options));
  };
  options.onHangup(reload);
  await Promise.all([
    running.run(signal),
    watchFile(path, reload, signal),
  ]);
  await reloading;
}

/** Whatever hangs by then is left: nothing that we do depends on an orderly end. */
async function graceAfter(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => setTimeout(resolve, END_GRACE_MS), {
    once: true,
  });
  await promise;
  log.warn("Leave work unfinished: it takes too long");
}

async function reloadInto(running: Running, options: DaemonOptions): Promise<void> {
  try {
    const next = options.reload();
    await running.use(next);
    options.onSettings(next.settings);
    log.info("Read the settings again", { file: next.file });
    for (const warning of next.warnings) log.warn(warning);
  } catch (error) {
    log.error(`Keep the settings as they were: ${errorText(error)}`, { error });
  }
}
