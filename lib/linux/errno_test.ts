import { assertEquals } from "@std/assert";
import { EEXIST, errnoOf, errnoText } from "./errno.ts";

Deno.test("errnoText: has name and words, or the bare number", () => {
  assertEquals(errnoText(EEXIST), "EEXIST (File exists)");
  assertEquals(errnoText(4095), "errno 4095");
});

Deno.test("errnoOf: reads what Deno's file calls throw", () => {
  const caught = (fn: () => unknown): unknown => {
    try {
      return fn();
    } catch (error) {
      return error;
    }
  };
  assertEquals(errnoOf(caught(() => Deno.readFileSync("/nonexistent/file"))), 2);
  assertEquals(errnoOf(caught(() => Deno.readFileSync("/"))), 21);
  assertEquals(errnoOf(new Error("no number")), 0);
  assertEquals(errnoOf("(os error 5)"), 0);
});
