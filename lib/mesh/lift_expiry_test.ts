import { assertEquals } from "@std/assert";
import { headscaleNode } from "../../tests/fakes/tailnet.ts";
import type { HeadscaleNode } from "./headscale_node.ts";
import { decideExpiryLift } from "./lift_expiry.ts";

const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const PAST = { expiry: "2026-05-31T23:59:59Z" };

Deno.test("decideExpiryLift: one of its tags alone that has expired, and no other", () => {
  const reason = "it belongs to tag:headcni: Headscale would leave its key expired at a login";
  const rows: readonly (readonly [Partial<HeadscaleNode>, string | undefined])[] = [
    [PAST, reason],
    [{ ...PAST, user: "tagged-devices" }, reason],
    [{ ...PAST, expiry: "2026-06-01T00:00:00Z" }, reason],
    // Up to 0.27 tags are beside a user.
    [{ ...PAST, user: "k8s" }, undefined],
    [{ ...PAST, tags: [] }, undefined],
    [{ ...PAST, tags: [], user: "k8s" }, undefined],
    [{ expiry: "2026-06-01T00:00:01Z" }, undefined],
    [{}, undefined],
  ];
  for (const [change, expected] of rows) {
    assertEquals(decideExpiryLift(headscaleNode(change), NOW_MS), expected);
  }
});
