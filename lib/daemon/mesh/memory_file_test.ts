import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { logged } from "../../../tests/fakes/logged.ts";
import { EMPTY_MEMORY } from "../../mesh/memory.ts";
import { parsePrefix } from "../../net/prefix.ts";
import { memoryPath, mendMemory, readMemory, updateMemory } from "./memory_file.ts";

const ROUTE = parsePrefix("10.244.1.0/24");

/** What a power cut, or somebody, can leave in the place of the file. */
const SPOILT: readonly [what: string, spoil: (path: string) => void][] = [
  ["half of it", (path) => Deno.writeTextFileSync(path, '{"version": 1, "adver')],
  ["blocks of zeros", (path) => Deno.writeFileSync(path, new Uint8Array(4096))],
  ["no text", (path) => Deno.writeFileSync(path, Uint8Array.of(0xff, 0xfe, 0x80))],
  ["far too much", (path) => Deno.writeTextFileSync(path, " ".repeat(300_000))],
];

function withDirectory(test: (dataDir: string) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "hct" });
    try {
      await test(dataDir);
    } finally {
      await Deno.remove(dataDir, { recursive: true });
    }
  };
}

for (const [what, spoil] of SPOILT) {
  Deno.test(
    `readMemory: ${what} in its place is an empty memory, and said`,
    withDirectory(async (dataDir) => {
      spoil(memoryPath(dataDir));
      const log = await logged("warn", () => {
        assertEquals(readMemory(dataDir), EMPTY_MEMORY);
        return Promise.resolve();
      });
      assertStringIncludes(log, memoryPath(dataDir));
    }),
  );

  Deno.test(
    `mendMemory: ${what} in its place is said once`,
    withDirectory(async (dataDir) => {
      spoil(memoryPath(dataDir));
      await logged("warn", () => Promise.resolve(mendMemory(dataDir)));
      const log = await logged("warn", () => Promise.resolve(readMemory(dataDir)));
      assertEquals(log, "");
      updateMemory(dataDir, (memory) => ({ ...memory, advertised: [ROUTE] }));
      assertEquals(readMemory(dataDir).advertised, [ROUTE]);
    }),
  );
}

Deno.test(
  "readMemory: a folder in its place is an empty memory, and said",
  withDirectory(async (dataDir) => {
    Deno.mkdirSync(memoryPath(dataDir));
    const log = await logged("warn", () => Promise.resolve(readMemory(dataDir)));
    assertStringIncludes(log, "a file wanted");
  }),
);

Deno.test(
  "mendMemory: what can be used stays as it is, and what is not there too",
  withDirectory((dataDir) => {
    mendMemory(dataDir);
    assertEquals([...Deno.readDirSync(dataDir)], []);
    updateMemory(dataDir, (memory) => ({ ...memory, left: true }));
    const before = Deno.statSync(memoryPath(dataDir));
    mendMemory(dataDir);
    assertEquals(Deno.statSync(memoryPath(dataDir)).ino, before.ino);
    assert(readMemory(dataDir).left);
  }),
);
