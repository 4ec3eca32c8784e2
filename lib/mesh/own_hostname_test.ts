import { assertEquals } from "@std/assert";
import { ownHostname } from "./own_hostname.ts";

Deno.test("ownHostname: one label of the prefix and the node's name", () => {
  const long = "n".repeat(57);
  const rows = [
    ["headcni-pod", "hostname", "edge-7", "headcni-pod-edge-7"],
    ["headcni-pod", "hostname", "edge-7.example.com", "headcni-pod-edge-7"],
    ["headcni-pod", "fqdn", "edge-7.example.com", "headcni-pod-edge-7-example-com"],
    ["K8s", "fqdn", "edge-7", "k8s-edge-7"],
    // Not longer than DNS has it, and with no hyphen at its end.
    ["k8s", "fqdn", `${long}.b.c`, `k8s-${long}-b`],
    ["k8s", "fqdn", `${long}a.b.c`, `k8s-${long}a`],
  ] as const;
  for (const [prefix, type, nodeName, name] of rows) {
    assertEquals(ownHostname({ prefix, type }, nodeName), name);
  }
});
