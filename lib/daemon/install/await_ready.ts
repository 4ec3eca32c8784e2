/** Waits until a daemon has made its node ready for pods. */
import { join } from "@std/path";
import { isOwnConflist } from "../../node/conflist.ts";
import { askRelease } from "./ask_release.ts";
import { readBounded } from "../read_bounded.ts";
import type { Settings } from "../settings/settings.ts";
import { watchFolders } from "../watch_paths.ts";

/** What is waited for. */
export interface ReadyWant {
  readonly settings: Pick<Settings, "socket" | "runDirectory" | "cni">;
  /** Folders of network configurations. */
  readonly confFolders: readonly string[];
  /** The release that must answer. */
  readonly version: string;
  readonly timeoutMs: number;
  /** Is told what is still missing, when that is another thing than before. */
  readonly onMissing?: (text: string) => void;
}

/**
 * Waits for our network configuration in each folder and for a daemon of a release that has nothing
 * to say against pods. Each change of those folders, and of that of the socket, is looked at.
 * @returns why pods cannot come, when the time is over; none when they can.
 */
export async function awaitReady(want: ReadyWant): Promise<readonly string[]> {
  const { settings, confFolders, timeoutMs, onMissing } = want;
  const end = new AbortController();
  let reasons: readonly string[] = [];
  let looking = Promise.resolve();
  const look = async () => {
    if (end.signal.aborted) return;
    const before = reasons.join("; ");
    reasons = await missing(want);
    const now = reasons.join("; ");
    if (now === "") end.abort();
    else if (now !== before) onMissing?.(now);
  };
  // One after the other, and one more for what changes meanwhile.
  const wake = () => {
    looking = looking.then(look);
  };
  const timer = setTimeout(() => end.abort(), timeoutMs);
  await watchFolders([...confFolders, settings.runDirectory], wake, end.signal);
  clearTimeout(timer);
  await looking;
  return reasons;
}

/** What keeps pods from coming. */
export async function missing(
  { settings, confFolders, version }: Omit<ReadyWant, "timeoutMs">,
): Promise<string[]> {
  const word = await askRelease(settings.socket);
  if (word.kind === "silent") return [word.why];
  if (word.version !== version) return [`the daemon is still that of release ${word.version}`];
  const paths = confFolders.map((folder) => join(folder, settings.cni.conflistName));
  const unwritten = paths.filter((path) => !isOwnConflist(textOf(path)));
  if (unwritten.length === 0) return [...word.problems];
  const local = word.reasons.filter((reason) => !reason.startsWith("mesh:"));
  return local.length > 0 ? local : unwritten.map((path) => `there is no "${path}" of ours yet`);
}

function textOf(path: string): string {
  try {
    return readBounded(path) ?? "";
  } catch {
    return ""; // whatever it is, it is not ours
  }
}
