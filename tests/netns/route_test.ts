/** Steps about routes and rules, with ip(8) as witness. */
import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../lib/errors.ts";
import type { Place, Step } from "../../lib/host/step.ts";
import { type Family, parseAddress } from "../../lib/net/address.ts";
import { formatPrefix, parsePrefix } from "../../lib/net/prefix.ts";
import type { Route } from "../../lib/net/route.ts";
import type { KernelRule, Rule } from "../../lib/net/rule.ts";
import { HEADCNI_RTPROT } from "../../lib/netlink/route.ts";
import { netnsTest } from "./namespace.ts";
import { ADD_VETH, REMOVE_VETH, TestNode } from "./node.ts";

/** The pod's addresses: what gateways are reached by. */
const ADD_ADDRESSES: readonly Step[] = ["10.9.0.2/24", "fd09::2/64"].map((text): Step => ({
  kind: "add-address",
  place: "pod",
  link: "eth0",
  address: parsePrefix(text),
}));

/** A route, and what ip(8) says of it. */
const ROUTES: readonly [Route, Record<string, unknown>][] = [
  [via("0.0.0.0/0", "10.9.0.1"), { dst: "default", gateway: "10.9.0.1", scope: "global" }],
  [via("::/0", "fd09::1"), { dst: "default", gateway: "fd09::1", metric: 1024 }],
  [direct("10.9.7.1/32"), { dst: "10.9.7.1", scope: "link" }],
  [direct("fd09:7::1/128"), { dst: "fd09:7::1" }],
  [{ ...direct("10.9.8.0/24"), scope: 0 }, { scope: "global" }],
  [{ ...via("10.10.0.0/16", "10.9.0.1"), mtuBytes: 1300, advmssBytes: 1260 }, {
    metrics: [{ mtu: 1300, advmss: 1260 }],
  }],
  [{ ...via("fd10::/32", "fd09::1"), mtuBytes: 1300 }, { metrics: [{ mtu: 1300 }] }],
  [{ ...via("10.11.0.0/16", "172.30.0.1"), onlink: true }, { flags: ["onlink"] }],
  [{ ...via("fd11::/32", "fd99::1"), onlink: true }, { flags: ["onlink"] }],
  [{ ...via("10.12.0.0/16", "10.9.0.1"), table: 252 }, { table: "252" }],
  [{ ...via("10.12.0.0/16", "10.9.0.1"), table: 70000 }, { table: "70000" }],
  [{ ...via("fd12::/32", "fd09::1"), table: 70000 }, { table: "70000" }],
  [{ ...via("10.13.0.0/16", "10.9.0.1"), priority: 500 }, { metric: 500 }],
  [{ ...via("fd13::/32", "fd09::1"), priority: 500 }, { metric: 500 }],
  [{ ...via("10.14.0.0/16", "10.9.0.1"), source: parseAddress("10.9.0.2") }, {
    prefsrc: "10.9.0.2",
  }],
  [{ ...via("fd14::/32", "fd09::1"), source: parseAddress("fd09::2") }, { prefsrc: "fd09::2" }],
  [{ destination: parsePrefix("10.15.0.0/16"), unreachable: true, priority: 9000 }, {
    type: "unreachable",
  }],
  [{ destination: parsePrefix("fd15::/32"), unreachable: true }, { type: "unreachable" }],
];

netnsTest("add-route, remove-route: every kind, once and again", async (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH, ...ADD_ADDRESSES);
  const before = await pair.pod.snapshot();
  for (const [route, expected] of ROUTES) {
    const step: Step = { kind: "add-route", place: "pod", route };
    node.apply(step, step);
    const family = route.destination.address.family === 6 ? "-6" : "-4";
    const [seen] = await pair.pod.ip(
      ...[family, "route", "show", formatPrefix(route.destination), "proto", "72"],
      ...["table", String(route.table ?? "main")],
    );
    for (const [field, value] of Object.entries(expected)) {
      if (field === "table") continue;
      assertEquals(seen?.[field], value, `${formatPrefix(route.destination)} ${field}`);
    }
  }
  const own = node.ask((host) => host.listRoutes("pod"))
    .filter(({ protocol }) => protocol === HEADCNI_RTPROT);
  assertEquals(own.length, ROUTES.length);
  for (const [route] of ROUTES) {
    const step: Step = { kind: "remove-route", place: "pod", route };
    node.apply(step, step);
  }
  assertEquals(await pair.pod.snapshot(), before);
  node.apply(REMOVE_VETH);
});

netnsTest("add-route: refuses a destination that is reached in another way", (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH, ...ADD_ADDRESSES);
  const present = [via("10.20.0.0/16", "10.9.0.1"), via("fd20::/32", "fd09::1")];
  const wanted = [via("10.20.0.0/16", "10.9.0.9"), via("fd20::/32", "fd09::9")];
  for (const route of present) node.apply({ kind: "add-route", place: "pod", route });
  for (const route of wanted) {
    const error = assertThrows(
      () => node.apply({ kind: "add-route", place: "pod", route }),
      KernelError,
    );
    assertEquals([error.call, error.errno], ["RTM_NEWROUTE", 17]);
  }
  node.apply(REMOVE_VETH);
});

netnsTest("add-route: tells the kernel's own words", (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH, ...ADD_ADDRESSES);
  const route = via("10.20.0.0/16", "172.31.0.1");
  const error = assertThrows(
    () => node.apply({ kind: "add-route", place: "pod", route }),
    KernelError,
  );
  assertEquals(
    error.message,
    'Cannot apply "ip -n pod route add 10.20.0.0/16 via 172.31.0.1 dev eth0": ' +
      "RTM_NEWROUTE: ENETUNREACH (Network is unreachable): Nexthop has invalid gateway",
  );
  node.apply(REMOVE_VETH);
});

const RULES: readonly Rule[] = [
  { family: 4, priority: 5200, to: parsePrefix("10.9.0.0/16"), table: 254 },
  { family: 4, priority: 5201, from: parsePrefix("10.9.0.0/16"), table: 70000 },
  { family: 6, priority: 5200, to: parsePrefix("fd09::/32"), table: 254 },
  {
    family: 6,
    priority: 5201,
    from: parsePrefix("fd09::/32"),
    to: parsePrefix("fd10::/32"),
    table: 70000,
  },
];

for (const place of ["host", "pod"] as const) {
  netnsTest(`add-rule, remove-rule: both families, in the ${place}`, async (pair) => {
    using node = new TestNode(pair);
    const before = ruleLists(node, place);
    for (const rule of RULES) {
      node.apply({ kind: "add-rule", place, rule }, { kind: "add-rule", place, rule });
    }
    assertEquals(
      (await pair[place].ip("-4", "rule", "show")).slice(1, 3).map(formatSeenRule),
      ["5200 all -> 10.9.0.0/16 main 72", "5201 10.9.0.0/16 -> undefined 70000 72"],
    );
    assertEquals(
      (await pair[place].ip("-6", "rule", "show")).slice(1, 3).map(formatSeenRule),
      ["5200 all -> fd09::/32 main 72", "5201 fd09::/32 -> fd10::/32 70000 72"],
    );
    assertEquals(
      ruleLists(node, place).filter((rule) => rule.priority >= 5200 && rule.priority <= 5201),
      RULES.map((rule) => ({ ...rule, protocol: 72 })),
    );
    for (const rule of RULES) {
      node.apply({ kind: "remove-rule", place, rule }, { kind: "remove-rule", place, rule });
    }
    assertEquals(ruleLists(node, place), before);
  });
}

netnsTest("listRules: leaves out rules with selectors that it cannot tell", async (pair) => {
  using node = new TestNode(pair);
  const before = node.ask((host) => host.listRules("host", 4));
  for (const selector of [["fwmark", "0x80000"], ["iif", "lo"], ["not", "to", "10.9.0.0/16"]]) {
    await pair.host.run("ip", "rule", "add", "priority", "5210", ...selector, "lookup", "52");
    assertEquals(node.ask((host) => host.listRules("host", 4)), before);
    await pair.host.run("ip", "rule", "delete", "priority", "5210");
  }
});

function direct(destination: string): Route {
  return { destination: parsePrefix(destination), link: "eth0" };
}

function via(destination: string, gateway: string): Route {
  return { ...direct(destination), gateway: parseAddress(gateway) };
}

function ruleLists(node: TestNode, place: Place): KernelRule[] {
  const families: readonly Family[] = [4, 6];
  return families.flatMap((family) => node.ask((host) => host.listRules(place, family)));
}

function formatSeenRule({ priority, src, srclen, dst, dstlen, table, protocol }: SeenRule): string {
  const from = srclen === undefined ? src : `${src}/${srclen}`;
  const to = dstlen === undefined ? dst : `${dst}/${dstlen}`;
  return `${priority} ${from} -> ${to} ${table} ${protocol}`;
}

/** A rule as ip(8) reports it. */
type SeenRule = Record<string, unknown>;
