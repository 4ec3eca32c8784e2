import { assertEquals, assertStringIncludes } from "@std/assert";
import { storeFailure } from "./failure.ts";

const hints: readonly [cause: string, hint: string][] = [
  ["file is not a database", 'move "/s/state.kv" away'],
  ["database disk image is malformed", "the new store does not know their addresses"],
  ["invalid value encoding", "The file is damaged"],
  ["database or disk is full", "free space"],
  ["disk I/O error", "free space"],
  ["No space left on device (os error 28)", "free space"],
  ["Read-only file system (os error 30)", "a local file system that root can write"],
];

for (const [text, hint] of hints) {
  Deno.test(`storeFailure: what to do about "${text}"`, () => {
    const cause = new Error(text);
    const error = storeFailure("open", "/s/state.kv", cause);
    assertEquals(error.message, `Cannot open the store "/s/state.kv": ${text}`);
    assertEquals([error.reason, error.cause], ["store-failure", cause]);
    assertStringIncludes(error.details ?? "", hint);
  });
}
