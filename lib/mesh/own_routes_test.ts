import { assertEquals } from "@std/assert";
import { prefixes } from "../../tests/fakes/tailnet.ts";
import { hasRoute, isExitRoute, isInside, mergeRoutes, ownRoutes } from "./own_routes.ts";

Deno.test("ownRoutes: without host bits, each once, and no exit route", () => {
  assertEquals(ownRoutes(prefixes("10.244.1.5/24 fd00::/64 10.244.1.0/24")), {
    routes: prefixes("10.244.1.0/24 fd00::/64"),
    refused: [],
  });
  const { routes, refused } = ownRoutes(prefixes("10.1.2.3/0 ::/0"));
  assertEquals(routes, []);
  assertEquals(refused.map((text) => text.split(":").slice(0, -1).join(":")), [
    'Cannot serve "10.1.2.3/0"',
    'Cannot serve "::/0"',
  ]);
});

Deno.test("mergeRoutes: new ones last, ours that are not wanted go, others stay in their order", () => {
  const rows = [
    // current, wanted, ours, routes, added, removed
    ["", "10.0.0.0/24", "", "10.0.0.0/24", "10.0.0.0/24", ""],
    ["10.0.0.0/24", "10.0.0.0/24", "10.0.0.0/24", "10.0.0.0/24", "", ""],
    [
      ...["10.1.0.0/24 10.0.0.0/24 10.2.0.0/24", "10.3.0.0/24", "10.0.0.0/24"],
      ...["10.1.0.0/24 10.2.0.0/24 10.3.0.0/24", "10.3.0.0/24", "10.0.0.0/24"],
    ],
    // Of the user's, though a part of ours or around it.
    ["10.0.0.0/8 10.0.0.1/32", "", "10.0.0.0/24", "10.0.0.0/8 10.0.0.1/32", "", ""],
    // Remembered with host bits.
    ["10.0.0.0/24", "", "10.0.0.9/24", "", "", "10.0.0.0/24"],
    // What nudged Headscale is ours without being remembered.
    ["10.0.0.0/24 203.0.113.255/32", "", "", "10.0.0.0/24", "", "203.0.113.255/32"],
    // Never an exit route, whatever we remember.
    ["0.0.0.0/0 ::/0", "", "0.0.0.0/0 ::/0", "0.0.0.0/0 ::/0", "", ""],
  ] as const;
  for (const [current, wanted, ours, routes, added, removed] of rows) {
    assertEquals(
      mergeRoutes(prefixes(current), prefixes(wanted), prefixes(ours)),
      { routes: prefixes(routes), added: prefixes(added), removed: prefixes(removed) },
    );
  }
});

Deno.test("hasRoute, isInside, isExitRoute: the very route, a part, all", () => {
  const rows = [
    ["10.0.0.0/24", [true, true, false]],
    ["10.0.0.0/25", [false, true, false]],
    ["10.0.0.0/16", [false, false, false]],
    ["::/0", [false, false, true]],
  ] as const;
  const list = prefixes("192.168.0.0/16 10.0.0.0/24");
  for (const [text, expected] of rows) {
    const seen = prefixes(text).flatMap((each) => [
      hasRoute(list, each),
      isInside(list, each),
      isExitRoute(each),
    ]);
    assertEquals(seen, [...expected]);
  }
});
