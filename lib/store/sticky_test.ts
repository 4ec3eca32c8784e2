import { assertEquals } from "@std/assert";
import type { PodReference } from "../attachment.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { parseSticky, stickyKeyOf } from "./sticky.ts";

const PODS: readonly (readonly [PodReference, boolean])[] = [
  [{ namespace: "default", name: "db-0" }, true],
  [{ namespace: "default", name: "my-db-12" }, true],
  [{ namespace: "default", name: "db-7d9c4" }, false],
  [{ namespace: "default", name: "db" }, false],
  [{ namespace: "default", name: "0" }, false],
  [{ name: "db-0" }, false],
  [{ namespace: "default" }, false],
];

for (const [pod, isComingAgain] of PODS) {
  Deno.test(`stickyKeyOf: ${JSON.stringify(pod)}`, () => {
    const expected = isComingAgain ? ["sticky", "pods", pod.namespace ?? "", pod.name ?? ""] : [];
    assertEquals(stickyKeyOf("pods", pod) ?? [], expected);
  });
}

Deno.test("parseSticky: what cannot be read is no memory", () => {
  const bytes = new Uint8Array([10, 0, 0, 2]);
  assertEquals(parseSticky([bytes]).map(formatAddress), ["10.0.0.2"]);
  assertEquals(parseSticky([bytes]), [parseAddress("10.0.0.2")]);
  for (const value of [undefined, "10.0.0.2", [new Uint8Array(3)], [bytes, 7]]) {
    assertEquals(parseSticky(value), []);
  }
});
