import { assertEquals } from "@std/assert";
import { meshFacts } from "../../tests/fakes/mesh_facts.ts";
import { prefixes, tailnetPrefs } from "../../tests/fakes/tailnet.ts";
import { fail, type Finding, pass, unknown } from "./finding.ts";
import {
  judgeAddresses,
  judgeFilters,
  judgeForwarding,
  judgeSource,
  judgeStateful,
} from "./judge_traffic.ts";
import type { MeshFacts, Probe } from "./mesh_facts.ts";

type Row = readonly [Partial<MeshFacts>, Finding];

function check(judge: (facts: MeshFacts) => Finding, rows: readonly Row[]): void {
  for (const [change, expected] of rows) assertEquals(judge(meshFacts(change)), expected);
}

const NO_PREFS: Row = [{ prefs: undefined }, unknown("what tailscaled is set to is not known")];
const PROBES: readonly Probe[] = prefixes("10.244.2.0/24 10.244.3.0/24").map((prefix, index) => ({
  ...{ peer: `n${index + 2}`, prefix },
  ...index === 0
    ? { verdict: "unknown" as const, text: "no pod" }
    : { verdict: "fail" as const, text: "no answer" },
}));
const POLICY = "let the policy of the tailnet allow it (headcni mesh policy)";

Deno.test("judgeSource, judgeFilters: conditions 4 and 5 are known by what was sent alone", () => {
  const both: readonly Row[] = [
    [{}, pass('"n2" (10.244.2.0/24): answered in 3 ms')],
    [
      { probes: undefined },
      unknown("nothing was sent to pods of other nodes", "ping one of them from a pod here"),
    ],
    [{ probes: [], hasNeighbours: false }, unknown("no other node serves pods")],
    [
      { probes: PROBES.slice(0, 1) },
      unknown('"n2" (10.244.2.0/24): no pod', "ping one of them from a pod here"),
    ],
  ];
  check(judgeSource, both);
  check(judgeFilters, both);
  const evidence = '"n3" (10.244.3.0/24): no answer';
  check(judgeSource, [[
    { probes: PROBES },
    fail(evidence, `${POLICY}: the other node has to see the route of this one`),
  ]]);
  check(judgeFilters, [[
    { probes: PROBES },
    fail(evidence, `${POLICY}: pods to pods, by every protocol`),
  ]]);
});

Deno.test("judgeFilters: shields that are up are known without a probe", () => {
  check(judgeFilters, [[
    { prefs: tailnetPrefs({ shieldsUp: true }), probes: [] },
    fail(
      "shields are up: nothing from other nodes reaches pods here",
      "tailscale set --shields-up=false",
    ),
  ]]);
});

Deno.test("judgeAddresses: condition 6, by both who could change them", () => {
  const untold = unknown(
    "neither the cluster's network nor the interface of tailscaled is known, which our masquerade " +
      "leaves out",
    "name the network in network.podCIDR.base",
  );
  check(judgeAddresses, [
    [{}, pass("our masquerade leaves out the cluster; tailscaled does no SNAT")],
    [{ masqueradeExempts: false }, untold],
    [
      { masqueradeExempts: false, prefs: tailnetPrefs({ noSnat: false }) },
      fail("tailscaled does SNAT", "tailscale set --snat-subnet-routes=false"),
    ],
    [
      { prefs: tailnetPrefs({ noSnat: false }) },
      fail("tailscaled does SNAT", "tailscale set --snat-subnet-routes=false"),
    ],
    NO_PREFS,
  ]);
});

Deno.test("judgeForwarding: condition 7, both its halves", () => {
  const device = { name: "tailscale0", mtuBytes: 1280 };
  const advice = "let headcni daemon set it, and see that nobody else takes it back: " +
    "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding";
  const fits = "pods have an MTU of 1280 bytes, tailscale0 of 1280";
  check(judgeForwarding, [
    [{ device }, pass(`the node forwards; ${fits}`)],
    [
      { podMtuBytes: 1230 },
      pass("the node forwards; pods have an MTU of 1230 bytes, tailscale0 of 1280"),
    ],
    [
      { podMtuBytes: 1281 },
      fail(
        "pods have an MTU of 1281 bytes, tailscale0 of 1280",
        "set network.mtu to 1280 or less, and start the pods anew",
      ),
    ],
    [{ forwardingWarning: "IP forwarding is off" }, fail("IP forwarding is off", advice)],
    [{ forwardingWarning: "IPv4 is off" }, fail("IPv4 is off", advice)],
    [{ forwardingWarning: "IPv6 is off", device }, pass(`the node forwards; ${fits}`)],
    [
      { forwardingWarning: "IPv6 is off", podCidrs: prefixes("fd00:1::/64") },
      fail("IPv6 is off", advice),
    ],
    [{ forwardingWarning: undefined }, unknown("whether the node forwards is not known")],
    [{ podMtuBytes: undefined }, unknown("the MTU of pods is not known")],
    [{ device: undefined }, unknown("the interface of tailscaled was not found")],
  ]);
});

Deno.test("judgeStateful: condition 8", () => {
  check(judgeStateful, [
    [{}, pass("stateful filtering is off")],
    NO_PREFS,
    [
      { prefs: tailnetPrefs({ noStatefulFiltering: false }) },
      fail("stateful filtering drops what pods begin", "tailscale set --stateful-filtering=false"),
    ],
  ]);
});

Deno.test("judgeFilters, judgeAddresses, judgeStateful: a fix is for the tailscaled that is asked", () => {
  const prefs = tailnetPrefs({ shieldsUp: true, noSnat: false, noStatefulFiltering: false });
  const facts = meshFacts({ prefs, socket: "/run/ts.sock" });
  assertEquals([judgeFilters, judgeAddresses, judgeStateful].map((judge) => judge(facts).fix), [
    "tailscale --socket=/run/ts.sock set --shields-up=false",
    "tailscale --socket=/run/ts.sock set --snat-subnet-routes=false",
    "tailscale --socket=/run/ts.sock set --stateful-filtering=false",
  ]);
});
