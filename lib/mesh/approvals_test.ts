import { assertEquals } from "@std/assert";
import { headscaleNode, prefixes } from "../../tests/fakes/tailnet.ts";
import { planApproval } from "./approvals.ts";

function plan(
  { available, approved, own, ours = "" }: {
    available: string;
    approved: string;
    own: string;
    ours?: string;
  },
) {
  const node = headscaleNode({
    availableRoutes: prefixes(available),
    approvedRoutes: prefixes(approved),
  });
  return planApproval(node, prefixes(own), prefixes(ours));
}

Deno.test("planApproval: nothing to do where ours are approved", () => {
  const have = "10.244.1.0/24 192.168.7.0/24";
  assertEquals(plan({ available: have, approved: have, own: "10.244.1.0/24" }), {
    routes: undefined,
    reasons: [],
  });
});

Deno.test("planApproval: own ones that are advertised, beside what an administrator approved", () => {
  const rows = [
    {
      have: {
        available: "10.244.1.0/24 192.168.7.0/24 0.0.0.0/0 ::/0",
        approved: "172.16.0.0/16 0.0.0.0/0 ::/0",
        own: "10.244.1.5/24",
      },
      routes: "172.16.0.0/16 0.0.0.0/0 ::/0 10.244.1.0/24",
      reasons: ['approve "10.244.1.0/24": pods of this node'],
    },
    {
      have: {
        ...{ available: "10.244.2.0/24", approved: "10.244.1.0/24 172.16.0.0/16" },
        ...{ own: "10.244.2.0/24", ours: "10.244.1.0/24" },
      },
      routes: "172.16.0.0/16 10.244.2.0/24",
      reasons: [
        'approve "10.244.2.0/24": pods of this node',
        'disapprove "10.244.1.0/24": no pods of this node',
      ],
    },
    {
      have: { available: "", approved: "10.244.1.0/24", own: "", ours: "10.244.1.0/24" },
      routes: "",
      reasons: ['disapprove "10.244.1.0/24": no pods of this node'],
    },
  ];
  for (const { have, routes, reasons } of rows) {
    assertEquals(plan(have), { routes: prefixes(routes), reasons });
  }
});

Deno.test("planApproval: what is not advertised yet waits", () => {
  assertEquals(plan({ available: "192.168.7.0/24", approved: "", own: "10.244.1.0/24" }), {
    routes: undefined,
    reasons: ['"10.244.1.0/24": Headscale has not heard of it yet'],
  });
});

Deno.test("planApproval: own ones that are approved stay while they are not advertised", () => {
  const have = { available: "", approved: "10.244.1.0/24", own: "10.244.1.0/24" };
  assertEquals(plan({ ...have, ours: "10.244.1.0/24" }), { routes: undefined, reasons: [] });
});

Deno.test("planApproval: no exit route is ever approved by us, nor disapproved", () => {
  const { routes, reasons } = plan({
    ...{ available: "0.0.0.0/0 ::/0", approved: "", own: "0.0.0.0/0" },
  });
  assertEquals([routes, reasons.length, reasons[0]?.slice(0, 26)], [
    ...[undefined, 1, 'Cannot serve "0.0.0.0/0": '],
  ]);
  const exits = "0.0.0.0/0 ::/0";
  assertEquals(plan({ available: exits, approved: exits, own: "", ours: exits }).routes, undefined);
});
