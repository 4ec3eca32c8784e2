import { assertEquals, assertStringIncludes } from "@std/assert";
import { prefixes } from "../../tests/fakes/tailnet.ts";
import { formatPolicy } from "./policy.ts";

Deno.test("formatPolicy: the whole text", () => {
  const text = formatPolicy({
    clusterCidrs: prefixes("10.244.0.9/16 10.244.0.0/16 fd00:10::/48"),
    tags: ["tag:a", "tag:b"],
    user: "k8s",
  });
  assertEquals(
    text,
    `// Nodes and pods of the cluster, for the policy file of Headscale: merge each part into the part of
// the same name. Where there was no policy, everybody could reach everybody: add a rule for
// whoever still should.
{
  // Who may give these tags to a node by hand. A pre-auth key with tags needs nobody here.
  "tagOwners": {
    "tag:a": ["k8s@"],
    "tag:b": ["k8s@"],
  },
  // These nodes serve their part of the cluster without anybody's approval.
  "autoApprovers": {
    "routes": {
      "10.244.0.0/16": ["tag:a", "tag:b"],
      "fd00:10::/48": ["tag:a", "tag:b"],
    },
  },
  // Pods and nodes reach each other by every protocol; without it, no node sees another's pods.
  "acls": [
    {
      "action": "accept",
      "src": ["10.244.0.0/16", "fd00:10::/48", "tag:a", "tag:b"],
      "dst": ["10.244.0.0/16:*", "fd00:10::/48:*", "tag:a:*", "tag:b:*"],
    },
  ],
}
`,
  );
});

Deno.test("formatPolicy: owners: nobody, a user, one with an address", () => {
  const owners = (user?: string) => formatPolicy({ clusterCidrs: [], tags: ["tag:a"], user });
  assertStringIncludes(owners(), '"tag:a": [],');
  assertStringIncludes(owners("k8s@"), '"tag:a": ["k8s@"],');
  assertStringIncludes(owners("me@here.test"), '"tag:a": ["me@here.test"],');
});

Deno.test("formatPolicy: nodes that belong to a user, without tags", () => {
  const text = formatPolicy({
    ...{ clusterCidrs: prefixes("10.244.0.0/16"), tags: [], user: "k8s" },
  });
  assertStringIncludes(text, '"tagOwners": {},');
  assertStringIncludes(text, '"10.244.0.0/16": ["k8s@"],');
  assertStringIncludes(text, '"src": ["10.244.0.0/16", "k8s@"],');
  assertStringIncludes(text, '"dst": ["10.244.0.0/16:*", "k8s@:*"],');
});
