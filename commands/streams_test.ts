import { assertEquals, assertThrows } from "@std/assert";
import { writeAll } from "./streams.ts";

Deno.test("writeAll: goes on after partial writes", () => {
  const written: number[] = [];
  const stream = {
    writeSync(bytes: Uint8Array): number {
      const part = bytes.subarray(0, 3);
      written.push(...part);
      return part.length;
    },
  };
  writeAll(stream, "more than three bytes: \u00fc");
  assertEquals(new TextDecoder().decode(Uint8Array.from(written)), "more than three bytes: \u00fc");
});

Deno.test("writeAll: tells when nobody reads", () => {
  const stream = {
    writeSync(): number {
      throw new Deno.errors.BrokenPipe("Broken pipe");
    },
  };
  assertThrows(() => writeAll(stream, "text"), Deno.errors.BrokenPipe);
  writeAll(stream, "");
});
