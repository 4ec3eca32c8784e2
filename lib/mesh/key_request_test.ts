import { assertEquals } from "@std/assert";
import { planKeyRequest } from "./key_request.ts";

const KEY = { isReusable: false, isEphemeral: false, lifetimeMs: 3_600_000 } as const;

Deno.test("planKeyRequest: for one login, owned by a user, tags, or both", () => {
  const rows = [
    [{ user: "k8s", tags: [] }, { user: "k8s", tags: [] }],
    [{ user: " k8s ", tags: ["tag:a"] }, { user: "k8s", tags: ["tag:a"] }],
    [{ tags: ["a", "tag:a", "tag:b"] }, { user: undefined, tags: ["tag:a", "tag:b"] }],
    [{ user: "", tags: ["tag:a"] }, { user: undefined, tags: ["tag:a"] }],
  ] as const;
  for (const [settings, key] of rows) {
    assertEquals(planKeyRequest(settings), { ...KEY, user: key.user, tags: [...key.tags] });
  }
});

Deno.test("planKeyRequest: none of nobody's", () => {
  assertEquals(planKeyRequest({ tags: [] }), undefined);
  assertEquals(planKeyRequest({ user: " ", tags: [] }), undefined);
});
