/** Calls back when something happens in folders or to files, which may come and go. */
import { dirname } from "@std/path";
import { log } from "../log.ts";
import { wait } from "./wait.ts";

/** How often a folder that is not there, nor the one that it belongs in, is looked for again. */
const LOOK_AGAIN_MS = 10_000;

/** A file that is written in place is empty for a moment, which is a file of settings, too. */
const SETTLE_MS = 500;

/**
 * Watches folders until the signal is aborted; never throws. The folder around each is watched, too,
 * for one that another took the place of says nothing any more.
 * @param onChange is also called at each beginning, for what happened before.
 */
export async function watchFolders(
  folders: readonly string[],
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  const around = [...folders, ...folders.map(dirname)];
  while (!signal.aborted) {
    const present = [...new Set(around)].filter((path) => identityOf(path) !== "");
    if (present.length > 0) await watch(folders, present, onChange, signal);
    else await wait(LOOK_AGAIN_MS, signal);
  }
}

/**
 * Watches a file until the signal is aborted; never throws. It is watched by its folder, for editors and
 * ConfigMaps put another one in its place; what else happens there does not count.
 * @param onChange is called when the file is another one and stays the same for a while.
 * @param settle waits for that while.
 */
export async function watchFile(
  path: string,
  onChange: () => void,
  signal: AbortSignal,
  settle: () => Promise<void> = () => wait(SETTLE_MS, signal),
): Promise<void> {
  let known = versionOf(path);
  let settling: Promise<void> | undefined;
  const follow = async () => {
    let version: string;
    do {
      version = versionOf(path);
      await settle();
      if (signal.aborted) return;
    } while (versionOf(path) !== version);
    known = version;
    settling = undefined;
    onChange();
  };
  await watchFolders([dirname(path)], () => {
    if (versionOf(path) !== known) settling ??= follow();
  }, signal);
  await settling;
}

/** Until the signal is aborted, or one of the folders is not the same any more. */
async function watch(
  folders: readonly string[],
  present: string[],
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  const identities = () => folders.map(identityOf).join();
  const before = identities();
  try {
    const watcher = Deno.watchFs(present, { recursive: false });
    const close = () => watcher.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      onChange();
      if (identities() !== before) return;
      for await (const { kind, paths } of watcher) {
        const isWithin = (path: string) =>
          folders.includes(path) || folders.includes(dirname(path));
        if (kind === "access" || !paths.some(isWithin)) continue;
        onChange();
        if (identities() !== before) break;
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

/** Which folder a path leads to; empty when it leads to none. */
function identityOf(path: string): string {
  try {
    const { isDirectory, dev, ino } = Deno.statSync(path);
    return isDirectory ? `${dev} ${ino}` : "";
  } catch {
    return "";
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
