import { assert, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { StoreError } from "../../lib/errors.ts";
import { explainFailure } from "./stores.ts";

Deno.test("explainFailure: another user's files want root, however deep the cause", () => {
  const cause = new Deno.errors.PermissionDenied("denied");
  for (const error of [cause, new StoreError("store-failure", "Cannot open", { cause })]) {
    const explained = explainFailure(error);
    assert(explained instanceof StoreError);
    assertStringIncludes(explained.message, "run this as root");
    assertStrictEquals(explained.cause, error);
  }
});

Deno.test("explainFailure: other failures stay as they are", () => {
  const error = new StoreError("try-again", "Cannot lock", { cause: new Error("busy") });
  assertStrictEquals(explainFailure(error), error);
});
