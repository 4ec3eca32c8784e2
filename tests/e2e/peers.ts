/** Programs of others, which scripts of ours get where that is still to be done. */
import { fromFileUrl } from "@std/path";

/** Where they are. */
export interface Found {
  /** Empty when something is missing. */
  readonly path: string;
  /** Why tests of them must be skipped; empty when they are there. */
  readonly missing: string;
}

/**
 * The folder of programs in Go that `scripts/peers` builds.
 * @param module folder of tests/e2e/peers, such as `libcni`.
 */
export function findPeers(module: string): Found {
  return ask("peers", module);
}

/** The promtool of `scripts/promtool`. */
export function findPromtool(): Found {
  return ask("promtool");
}

function ask(name: string, ...args: readonly string[]): Found {
  const script = fromFileUrl(new URL(`../../scripts/${name}`, import.meta.url));
  const { success, stdout, stderr } = new Deno.Command(script, { args: [...args] }).outputSync();
  const decoder = new TextDecoder();
  if (success) return { path: decoder.decode(stdout).trim(), missing: "" };
  const lastLine = decoder.decode(stderr).trim().split("\n").at(-1) ?? "";
  return { path: "", missing: lastLine.replace(`scripts/${name}: `, "") };
}
