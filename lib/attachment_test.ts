import { assertEquals } from "@std/assert";
import { byAttachment } from "./attachment.ts";

Deno.test("byAttachment: the last of each, where the first stood", () => {
  const keyOf = (containerId: string) => ({ network: "pods", containerId, ifname: "eth0" });
  const items = ["a", "b", "a"].map((id, index) => ({ key: keyOf(id), index }));
  const found = Array.from(byAttachment(items), ([name, { index }]) => [name, index]);
  assertEquals(found, [["pods/a/eth0", 2], ["pods/b/eth0", 1]]);
});
