import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { readYamlDocuments } from "./node_yaml.ts";

Deno.test("readYamlDocuments: many documents, anchors, JSON, nothing", () => {
  assertEquals(readYamlDocuments("a: 1\n---\nb: &x [2]\nc: *x\n---\n"), [
    { a: 1 },
    { b: [2], c: [2] },
    null,
  ]);
  assertEquals(readYamlDocuments('{"a": "1"}'), [{ a: "1" }]);
  assertEquals(readYamlDocuments(""), []);
});

Deno.test("readYamlDocuments: what is no YAML, or meant to fill the memory, is refused in one line", () => {
  const bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" +
    Array.from("bcdefg", (name, index) => {
      const last = "abcdef"[index];
      return `${name}: &${name} [${Array(9).fill(`*${last}`).join(",")}]\n`;
    }).join("");
  const texts = ["a: 1\n b: 2\n", "a: [1\n", "a: 1\na: 2\n", "a: *x\n", bomb, "[".repeat(100_000)];
  for (const text of texts) {
    const error = assertThrows(() => readYamlDocuments(text), ConfigError, "no YAML: ");
    assertEquals(error.reason, "decode-failure");
    assertEquals(error.message.includes("\n"), false);
  }
});
