/** What every call of ours is measured by: a process of Deno that does nothing. */
import { HEADCNI } from "./contenders.ts";

/** An executable script that does nothing, in the form in which we ship: the floor of any call. */
export async function emptyScript(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempFile({ prefix: "hcb-empty-" });
  const [shebang = "", start] = (await Deno.readTextFile(HEADCNI)).split("\n", 2);
  if (shebang !== "#!/bin/sh") {
    throw new Error(`Cannot time an empty process: "${HEADCNI}" is not the script form`);
  }
  await Deno.writeTextFile(path, `${shebang}\n${start}\n`);
  await Deno.chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}
