import { type OutputStream, writeAll } from "../../streams.ts";
import { ConfigError, errorText, HeadcniError } from "../../../lib/errors.ts";
import { formatTar, type TarFile } from "./tar.ts";

/** Only its owner reads a bundle. */
const MODE = 0o600;

/**
 * Opens the file of a bundle, which must not be there yet: a link that somebody laid there leads nowhere.
 * @throws ConfigError when it is there; HeadcniError when it cannot be made.
 */
export function createBundle(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, createNew: true, mode: MODE });
  } catch (cause) {
    const text = `Cannot make the bundle "${path}"`;
    if (cause instanceof Deno.errors.AlreadyExists) {
      throw new ConfigError("io-failure", `${text}: it is there already; name another file`);
    }
    throw new HeadcniError("io-failure", `${text}: ${errorText(cause)}`, { cause });
  }
}

/** Writes files as an archive of tar(1), packed by gzip(1). */
export async function writeBundle(
  output: OutputStream,
  files: readonly TarFile[],
): Promise<void> {
  const stream = new Blob([formatTar(files, Date.now())]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  for await (const chunk of stream) writeAll(output, chunk);
}
