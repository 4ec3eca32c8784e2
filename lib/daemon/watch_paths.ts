/** Calls back when something happens in folders or to files, which may come and go. */
import { dirname } from "@std/path";
import { log } from "../log.ts";

/** How often a folder that is not there is looked for again. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Watches folders until the signal is aborted; never throws.
 * @param paths asked for at each beginning.
 */
export async function watchFolders(
  paths: () => readonly string[],
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const folders = [...new Set(paths())].filter(isFolder);
    if (folders.length === 0) {
      await wait(LOOK_AGAIN_MS, signal);
      continue;
    }
    await watch(folders, onChange, signal);
  }
}

/**
 * Watches a file until the signal is aborted; never throws. It is watched by its folder, for editors and
 * ConfigMaps put another one in its place; what else happens there does not count.
 */
export async function watchFile(
  path: string,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  let version = versionOf(path);
  await watchFolders(() => [dirname(path)], () => {
    const now = versionOf(path);
    if (now === version) return;
    version = now;
    onChange();
  }, signal);
}

async function watch(
  folders: string[],
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const watcher = Deno.watchFs(folders, { recursive: false });
    const close = () => watcher.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      for await (const { kind } of watcher) {
        if (kind === "access") continue;
        onChange();
        // One that is gone, or comes back, needs another watcher.
        if (!folders.every(isFolder)) break;
      }
    } finally {
      signal.removeEventListener("abort", close);
      if (!signal.aborted) watcher.close();
    }
  } catch (error) {
    log.debug("Cannot watch folders", { folders, error });
    await wait(LOOK_AGAIN_MS, signal);
  }
}

/** Which file a path leads to, and its last change; empty when it leads to none. */
function versionOf(path: string): string {
  try {
    const { dev, ino, size, mtime } = Deno.statSync(path);
    return [dev, ino, size, mtime?.getTime()].join();
  } catch {
    return "";
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
