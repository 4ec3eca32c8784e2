import { assertEquals } from "@std/assert";
import { nearestWord } from "./nearest.ts";

const KNOWN = ["status", "version", "help"];

const rows: readonly [word: string, nearest: string | undefined][] = [
  ["status", "status"],
  ["statsu", "status"],
  ["stat", "status"],
  ["sttaus", "status"],
  ["versoin", "version"],
  ["hepl", "help"],
  ["h", undefined],
  ["", undefined],
  ["uninstall", undefined],
];

for (const [word, nearest] of rows) {
  Deno.test(`nearestWord: "${word}"`, () => assertEquals(nearestWord(word, KNOWN), nearest));
}
