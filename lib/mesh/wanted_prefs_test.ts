import { assertEquals, assertStringIncludes } from "@std/assert";
import { prefixes, tailnetPrefs } from "../../tests/fakes/tailnet.ts";
import type { PrefsChange, TailnetPrefs } from "./tailnet.ts";
import { planPrefs, planWithdrawal, type WantedPrefs } from "./wanted_prefs.ts";

const HOST: WantedPrefs = { podCidrs: prefixes("10.244.1.0/24"), mode: "host" };
const OWN: WantedPrefs = { ...HOST, mode: "own" };

function plan(
  have: Partial<TailnetPrefs>,
  want: Partial<WantedPrefs> = {},
  ours = "10.244.1.0/24",
) {
  return planPrefs({ ...HOST, ...want }, tailnetPrefs(have), prefixes(ours));
}

Deno.test("planPrefs: nothing to do where all is as it should be", () => {
  assertEquals(plan({}), { change: {}, reasons: [], warnings: [] });
  assertEquals(plan({}, { podCidrs: prefixes("10.244.1.9/24") }).change, {});
});

Deno.test("planPrefs: each switch by itself, with its reason", () => {
  const rows: readonly (readonly [Partial<TailnetPrefs>, PrefsChange, string])[] = [
    [
      { routeAll: false },
      { routeAll: true },
      "accept routes: pods of other nodes are behind them",
    ],
    [{ noSnat: false }, { noSnat: true }, "no SNAT: other pods see the pod's own address"],
    [
      { noStatefulFiltering: false },
      { noStatefulFiltering: true },
      "no stateful filtering: it drops what pods begin",
    ],
  ];
  for (const [have, change, reason] of rows) {
    assertEquals(plan(have), { change, reasons: [reason], warnings: [] });
  }
});

Deno.test("planPrefs: starts no tailscaled, whoever stopped it: decideLogin tells whether", () => {
  for (const have of [{}, { controlUrl: "" }, { loggedOut: true }]) {
    assertEquals(plan({ ...have, wantRunning: false }).change, {});
    assertEquals(plan({ ...have, wantRunning: false }, { mode: "own" }).change, {});
  }
});

Deno.test("planPrefs: the user's routes stay in their order, ours come and go", () => {
  const have = { advertiseRoutes: prefixes("192.168.7.0/24 10.244.9.0/24 0.0.0.0/0 ::/0") };
  assertEquals(plan(have, { podCidrs: prefixes("10.244.1.7/24 fd00::/64") }, "10.244.9.0/24"), {
    change: {
      advertiseRoutes: prefixes("192.168.7.0/24 0.0.0.0/0 ::/0 10.244.1.0/24 fd00::/64"),
    },
    reasons: [
      'advertise "10.244.1.0/24", "fd00::/64": pods of this node',
      'withdraw "10.244.9.0/24": no pods of this node',
    ],
    warnings: [],
  });
  // Not remembered as ours: somebody else's.
  assertEquals(
    plan(have, {}, "").change.advertiseRoutes,
    [...have.advertiseRoutes, ...prefixes("10.244.1.0/24")],
  );
});

Deno.test("planPrefs: what nudged Headscale is withdrawn", () => {
  const have = { advertiseRoutes: prefixes("10.244.1.0/24 203.0.113.255/32") };
  assertEquals(plan(have), {
    change: { advertiseRoutes: prefixes("10.244.1.0/24") },
    reasons: ["withdraw what nudged Headscale"],
    warnings: [],
  });
});

Deno.test("planPrefs: no exit route is advertised, and it is said", () => {
  const { change, warnings } = plan({}, { podCidrs: prefixes("10.244.1.0/24 0.0.0.0/0") });
  assertEquals(change, {});
  assertEquals(warnings, [
    'Cannot serve "0.0.0.0/0": it is the route of an exit node, which takes all traffic; ' +
    "see that network.podCIDR names the addresses of pods alone",
  ]);
});

Deno.test("planPrefs: name and name resolution only of a tailscaled of our own", () => {
  const want = { hostname: "pod-1", acceptDns: true };
  assertEquals(plan({}, want).change, {});
  assertEquals(plan({}, { ...want, mode: "own" }), {
    change: { hostname: "pod-1", corpDns: true },
    reasons: [
      'name the node "pod-1"',
      "take the name resolution of the tailnet: tailscale.acceptDNS",
    ],
    warnings: [],
  });
  const have = { hostname: "pod-1", corpDns: true };
  assertEquals(plan(have, { ...want, mode: "own" }).change, {});
  assertEquals(plan(have, OWN).change, {});
  assertEquals(plan(have, { ...OWN, acceptDns: false }).reasons, [
    "leave the name resolution of the tailnet: tailscale.acceptDNS",
  ]);
});

Deno.test("planPrefs: what is not ours to change is warned of, and stays", () => {
  const rows: readonly (readonly [Partial<TailnetPrefs>, string])[] = [
    [
      { netfilterMode: 0 },
      "tailscaled sets no packet filter (netfilter-mode=off): a FORWARD policy of drop stops what " +
      "comes from other nodes, and nobody refuses forged tailnet addresses; " +
      "tailscale set --netfilter-mode=on",
    ],
    [
      { netfilterMode: 1 },
      "tailscaled's packet filter is not called (netfilter-mode=nodivert): what calls ts-forward " +
      "and ts-input is up to you; tailscale set --netfilter-mode=on",
    ],
    [
      { exitNode: "nXYZ" },
      'an exit node is in use ("nXYZ"): what pods send to the internet goes by it',
    ],
  ];
  for (const [have, warning] of rows) {
    assertEquals(plan(have), { change: {}, reasons: [], warnings: [warning] });
  }
});

Deno.test("planPrefs: what a person is to type is for the tailscaled that is asked", () => {
  const want = { ...HOST, socket: "/run/ts.sock" };
  const [warning] = planPrefs(want, tailnetPrefs({ netfilterMode: 0 }), want.podCidrs).warnings;
  assertStringIncludes(warning ?? "", "; tailscale --socket=/run/ts.sock set --");
});

Deno.test("planPrefs: what was changed needs no change", () => {
  const fresh = tailnetPrefs({
    ...{ controlUrl: "https://a.test", advertiseRoutes: prefixes("10.9.0.0/24 192.168.7.0/24") },
    ...{ routeAll: false, noSnat: false, noStatefulFiltering: false },
  });
  const want = { ...OWN, hostname: "x", acceptDns: true };
  const { change } = planPrefs(want, fresh, prefixes("10.9.0.0/24"));
  const { controlUrl: _, loggedOut: __, ...known } = change;
  assertEquals(planPrefs(want, { ...fresh, ...known }, want.podCidrs).change, {});
});

Deno.test("planWithdrawal: our routes go, and nothing else changes", () => {
  const have = tailnetPrefs({
    ...{ advertiseRoutes: prefixes("10.244.1.0/24 192.168.7.0/24"), routeAll: false },
    shieldsUp: true,
  });
  assertEquals(planWithdrawal(have, prefixes("10.244.1.0/24 10.244.2.0/24")), {
    change: { advertiseRoutes: prefixes("192.168.7.0/24") },
    reasons: ['withdraw "10.244.1.0/24": no pods of this node'],
    warnings: [],
  });
  assertEquals(planWithdrawal(have, []), { change: {}, reasons: [], warnings: [] });
});
