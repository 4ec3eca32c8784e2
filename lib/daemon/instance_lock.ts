/** One daemon a node: a lock that the kernel frees when its holder dies. */
import { HeadcniError } from "../errors.ts";
import { tryLock } from "./try_lock.ts";

const NAME = "daemon.lock";

/** Path of the lock's file. */
export function instanceLockPath(runDirectory: string): string {
  return `${runDirectory}/${NAME}`;
}

/**
 * Takes the lock for this process; disposing of it gives it back.
 * @param runDirectory such as `/run/headcni`; made when it is not there.
 * @param doing what the lock is needed for.
 * @throws HeadcniError `try-again` that names the process which has it.
 */
export function lockInstance(runDirectory: string, doing = "start"): Disposable {
  Deno.mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
  const path = instanceLockPath(runDirectory);
  const file = tryLock(path);
  if (!file) {
    throw new HeadcniError(
      "try-again",
      `Cannot ${doing}: ${holderOf(path)} is the daemon of this node; it holds "${path}"`,
      { details: "Stop it first, or give this one another runDirectory" },
    );
  }
  file.truncateSync(0);
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  return file;
}

function holderOf(path: string): string {
  const pid = Deno.readTextFileSync(path).trim();
  return pid === "" ? "another process" : `process ${pid}`;
}
