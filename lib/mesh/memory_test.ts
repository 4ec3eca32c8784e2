import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { prefixes } from "../../tests/fakes/tailnet.ts";
import { EMPTY_MEMORY, formatMemory, type MeshMemory, parseMemory } from "./memory.ts";

const MEMORY: MeshMemory = {
  advertised: prefixes("10.244.1.0/24 fd00::/64"),
  approved: prefixes("10.244.1.0/24"),
  left: true,
  nodeKey: "nodekey:01",
};

Deno.test("formatMemory and parseMemory: there and back", () => {
  assertEquals(parseMemory(formatMemory(MEMORY)), { memory: MEMORY, warning: undefined });
  assertEquals(parseMemory(formatMemory(EMPTY_MEMORY)).memory, EMPTY_MEMORY);
});

Deno.test("parseMemory: no file is an empty memory, and no fault", () => {
  assertEquals(parseMemory(undefined), { memory: EMPTY_MEMORY, warning: undefined });
});

Deno.test("parseMemory: cut anywhere, it is empty and said", () => {
  const text = formatMemory(MEMORY);
  for (let length = 0; length < text.length - 2; length++) {
    const { memory, warning } = parseMemory(text.slice(0, length));
    assertEquals(memory, EMPTY_MEMORY);
    assert(warning?.startsWith("Cannot use all of the memory of the mesh: "));
  }
});

Deno.test("parseMemory: what makes sense counts, the rest is named", () => {
  const good = { version: 1, advertised: ["10.0.0.0/24"], approved: [], left: true };
  const kept = { advertised: prefixes("10.0.0.0/24"), approved: [], left: true };
  const rows = [
    [{ ...good, version: 2 }, kept, "version 2"],
    [{ ...good, version: undefined }, kept, "version undefined"],
    [{ ...good, advertised: ["10.0.0.0/24", "10.0.0.0/99"] }, kept, 'route "10.0.0.0/99"'],
    [{ ...good, advertised: ["10.0.0.0/24", 7] }, kept, "route 7"],
    // Never withdrawn, so never remembered.
    [{ ...good, advertised: ["10.0.0.0/24", "0.0.0.0/0"] }, kept, 'route "0.0.0.0/0"'],
    [{ ...good, advertised: "10.0.0.0/24" }, { ...kept, advertised: [] }, "advertised "],
    [{ ...good, approved: {} }, kept, "approved {}"],
    [{ ...good, left: "yes" }, { ...kept, left: false }, 'left "yes"'],
    [{ ...good, nodeKey: 7 }, kept, "nodeKey 7"],
    [[], EMPTY_MEMORY, "[]"],
    [null, EMPTY_MEMORY, "null"],
  ] as const;
  for (const [value, memory, fault] of rows) {
    const read = parseMemory(JSON.stringify(value));
    assertEquals(read.memory, memory);
    assertStringIncludes(read.warning ?? "", fault);
  }
  const twice = JSON.stringify({ ...good, advertised: ["10.0.0.9/24", "10.0.0.0/24"] });
  assertEquals(parseMemory(twice), { memory: kept, warning: undefined });
});
