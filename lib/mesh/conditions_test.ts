import { assertEquals } from "@std/assert";
import { meshFacts } from "../../tests/fakes/mesh_facts.ts";
import { judgeMesh } from "./conditions.ts";
import { meshReasons } from "./readiness.ts";

Deno.test("judgeMesh: every condition in its order, and all is well", () => {
  const conditions = judgeMesh(meshFacts());
  assertEquals(conditions.map(({ number, id, verdict, fix }) => [number, id, verdict, fix]), [
    [0, "tailscaled", "pass", ""],
    [0, "device", "pass", ""],
    [0, "login", "pass", ""],
    [0, "state", "pass", ""],
    [1, "accept-routes", "pass", ""],
    [2, "routes-served", "pass", ""],
    [3, "routes-accepted", "pass", ""],
    [4, "source-accepted", "pass", ""],
    [5, "packet-filters", "pass", ""],
    [6, "own-addresses", "pass", ""],
    [7, "forwarding", "pass", ""],
    [8, "stateful-filtering", "pass", ""],
  ]);
  assertEquals(conditions.filter(({ title, evidence }) => title === "" || evidence === ""), []);
  assertEquals(meshReasons(conditions), []);
});

Deno.test("judgeMesh: while tailscaled does not answer that alone fails", () => {
  const facts = meshFacts({
    ...{ status: undefined, prefs: undefined, trouble: "no socket", headscale: undefined },
    ...{ forwardingWarning: undefined, device: undefined, probes: undefined, acceptedRoutes: [] },
  });
  const conditions = judgeMesh(facts);
  assertEquals(conditions.map(({ verdict }) => verdict), [
    "fail",
    ...Array.from({ length: 11 }, () => "unknown" as const),
  ]);
  assertEquals(meshReasons(conditions), [
    "mesh: tailscaled: no socket; see that tailscaled runs, and tailscale.socket.path",
  ]);
});
