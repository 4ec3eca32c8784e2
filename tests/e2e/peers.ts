/** Programs of others, in Go, that `scripts/peers` builds. */
import { fromFileUrl } from "@std/path";

const SCRIPT = fromFileUrl(new URL("../../scripts/peers", import.meta.url));

/** Where they are. */
export interface Peers {
  /** Folder of the programs; empty when something is missing. */
  readonly folder: string;
  /** Why tests of them must be skipped; empty when they are there. */
  readonly missing: string;
}

/** Builds them where that is still to be done. */
export function findPeers(): Peers {
  const { success, stdout, stderr } = new Deno.Command(SCRIPT).outputSync();
  const decoder = new TextDecoder();
  if (success) return { folder: decoder.decode(stdout).trim(), missing: "" };
  const lastLine = decoder.decode(stderr).trim().split("\n").at(-1) ?? "";
  return { folder: "", missing: lastLine.replace(/^scripts\/peers: /, "") };
}
