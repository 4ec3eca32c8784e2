import { assertEquals } from "@std/assert";
import type { Condition } from "./conditions.ts";
import { fail, pass, unknown } from "./finding.ts";
import { meshReasons } from "./readiness.ts";

Deno.test("meshReasons: what fails, with what to do if there is something", () => {
  const conditions: readonly Condition[] = [
    { number: 0, id: "a", title: "state", ...pass("Running") },
    { number: 1, id: "b", title: "routes", ...fail("not accepted", "tailscale set") },
    { number: 2, id: "c", title: "senders", ...unknown("nothing was sent", "ping") },
    { number: 3, id: "d", title: "filter", ...fail("shut", "") },
  ];
  assertEquals(meshReasons(conditions), [
    "mesh: routes: not accepted; tailscale set",
    "mesh: filter: shut",
  ]);
  assertEquals(meshReasons([]), []);
});
