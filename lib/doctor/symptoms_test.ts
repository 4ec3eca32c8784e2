import { assertEquals } from "@std/assert";
import { CHECKS } from "./checks.ts";
import { SYMPTOMS } from "./symptoms.ts";

Deno.test("SYMPTOMS: each has checks that exist, or a reason", () => {
  const ids = CHECKS.map(({ id }) => id);
  const unknown = SYMPTOMS.flatMap(([symptom, seen]) =>
    typeof seen === "string"
      ? seen.length > 20 ? [] : [`${symptom}: no reason`]
      : seen.length === 0
      ? [`${symptom}: no check`]
      : seen.filter((id) => !ids.includes(id)).map((id) => `${symptom}: ${id}`)
  );
  assertEquals(unknown, []);
});

Deno.test("SYMPTOMS: all that were collected", () => {
  assertEquals(SYMPTOMS.length, 30);
});
