import { assertEquals } from "@std/assert";
import { splitLines, streamChild } from "./stream_child.ts";

Deno.test("splitLines: whole lines, however the bytes come, and a last one without an end", () => {
  const lines: string[] = [];
  const take = splitLines((line) => lines.push(line));
  const bytes = new TextEncoder().encode("one\nzw\u00f6lf\n\nlast");
  // Byte by byte: a letter of two comes in two pieces.
  for (const byte of bytes) take(Uint8Array.of(byte));
  assertEquals(lines, ["one", "zw\u00f6lf", ""]);
  take(new Uint8Array());
  assertEquals(lines, ["one", "zw\u00f6lf", "", "last"]);
});

Deno.test("streamChild: bytes as they are, lines of errors, and the exit code", async () => {
  const pieces: number[] = [];
  const lines: string[] = [];
  const script = "printf '\\000\\377a'; printf 'x\\ny' >&2; exit 7";
  const code = await streamChild("sh", ["-c", script], {
    stdout: (bytes) => pieces.push(...bytes),
    onErrorLine: (line) => lines.push(line),
    env: {},
  });
  assertEquals([code, pieces, lines], [7, [0, 255, 97], ["x", "y"]]);
});
