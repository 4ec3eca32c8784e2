/** One installation at a time: a lock that the kernel frees when its holder dies. */
import { join } from "@std/path";
import { HeadcniError } from "../../errors.ts";

/** Path of the lock's file. */
export function installLockPath(dataDir: string): string {
  return join(dataDir, "install.lock");
}

/**
 * Takes the lock for this process; disposing of it gives it back.
 * @throws HeadcniError `try-again` while another process has it.
 */
export function lockInstall(dataDir: string): Disposable {
  Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = installLockPath(dataDir);
  const file = Deno.openSync(path, { create: true, write: true, mode: 0o600 });
  if (file.tryLockSync(true)) return file;
  file.close();
  throw new HeadcniError(
    "try-again",
    `Cannot change the installation: another process does, and holds "${path}"`,
  );
}
