/** The shipped program, for tests that must not run the sources. */
import { dirname, fromFileUrl, join } from "@std/path";

/** What `deno task build` makes, unless `HEADCNI_BIN` names another build. */
export const HEADCNI = Deno.env.get("HEADCNI_BIN") ??
  fromFileUrl(new URL("../../dist/headcni", import.meta.url));

/** The same under the name that makes it the IPAM plugin. */
export const HEADCNI_IPAM = join(dirname(HEADCNI), "headcni-ipam");

/** Why tests of the shipped program must be skipped; empty when it is there. */
export function missingProgram(): string {
  return isFile(HEADCNI_IPAM) ? "" : "needs the program: deno task build";
}

/** True for a file, and for a link to one. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
