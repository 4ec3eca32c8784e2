/** What can happen to the file of a store that no program of ours does. */
import type { SeededRandom } from "./seeded_random.ts";

/** A page of SQLite; the KV does not change the default. */
export const PAGE_BYTES = 4_096;

/** Damage, by what it leaves. */
export type Damage = (path: string, random: SeededRandom["random"]) => void;

/** Damage that opening the file finds. */
export const DAMAGES = {
  "an empty file": (path) => Deno.truncateSync(path, 0),
  "a truncated file": (path) => Deno.truncateSync(path, 20_000),
  "a file of noise": (path, random) => {
    const pages = Math.ceil(Deno.statSync(path).size / PAGE_BYTES);
    for (let page = 0; page < pages; page++) overwritePage(path, page, random);
  },
  "a file with a noisy page": (path, random) => overwritePage(path, 1, random),
  // Byte 47 is the end of the schema format number: sqlite.org, "Database File Format", 1.3.10.
  "a file of another format": (path) => overwriteByte(path, 47, 9),
  "a file with a garbled schema": (path) => {
    const at = new TextDecoder("latin1").decode(Deno.readFileSync(path)).indexOf("CREATE TABLE kv");
    overwriteByte(path, at, "@".charCodeAt(0));
  },
} as const satisfies Readonly<Record<string, Damage>>;

function overwriteByte(path: string, at: number, byte: number): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.of(byte));
}

/** Overwrites a page with noise; the first one has number 0. */
export function overwritePage(path: string, page: number, random: SeededRandom["random"]): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(page * PAGE_BYTES, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.from({ length: PAGE_BYTES }, () => random(256)));
}
