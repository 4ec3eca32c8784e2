import { assertEquals } from "@std/assert";
import { selfNode } from "../../tests/fakes/tailnet.ts";
import { hasExpiredKey, keyExpiryMs } from "./key_expiry.ts";

const NOW_MS = Date.parse("2026-06-01T00:00:00Z");

Deno.test("keyExpiryMs, hasExpiredKey: by the clock, by what is said, and never without a time", () => {
  const rows = [
    [selfNode(), undefined, false],
    [undefined, undefined, false],
    [selfNode({ keyExpiry: "2026-06-01T00:00:01Z" }), NOW_MS + 1000, false],
    [selfNode({ keyExpiry: "2026-06-01T00:00:00Z" }), NOW_MS, true],
    [selfNode({ keyExpiry: "0001-01-01T00:00:00Z" }), undefined, false],
    [selfNode({ keyExpiry: "soon" }), undefined, false],
    [
      selfNode({ keyExpiry: "2027-01-01T00:00:00Z", isExpired: true }),
      NOW_MS + 18_489_600_000,
      true,
    ],
    [selfNode({ isExpired: true }), undefined, true],
  ] as const;
  for (const [node, expiryMs, isExpired] of rows) {
    assertEquals([keyExpiryMs(node), hasExpiredKey(node, NOW_MS)], [expiryMs, isExpired]);
  }
});
