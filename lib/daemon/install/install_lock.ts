/** One installation at a time: a lock that the kernel frees when its holder dies. */
import { HeadcniError } from "../../errors.ts";
import { installLockPath } from "../../node/install_plan.ts";
import { tryLock } from "../try_lock.ts";

/**
 * Takes the lock for this process; disposing of it gives it back.
 * @throws HeadcniError `try-again` while another process has it.
 */
export function lockInstall(dataDir: string): Disposable {
  Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = installLockPath(dataDir);
  const file = tryLock(path);
  if (file) return file;
  throw new HeadcniError(
    "try-again",
    `Cannot change the installation: another process does, and holds "${path}"`,
  );
}
