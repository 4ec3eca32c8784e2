import { assertEquals } from "@std/assert";
import { formatStep } from "../host/format.ts";
import type { Link } from "../net/link.ts";
import { type BandwidthFacts, diffBandwidth, planBandwidth } from "./plan_bandwidth.ts";

const IDENTITY = {
  key: { network: "a", containerId: "b", ifname: "c" },
  pod: {},
  hostLink: "vetheccdfd3df77",
};
const TO_POD = { bytesPerSecond: 125_000, burstBytes: 20_000 };
const FROM_POD = { bytesPerSecond: 5e9, burstBytes: 536_870_911 };
const BOTH = { toPod: TO_POD, fromPod: FROM_POD };
const IFB: Link = {
  index: 9,
  name: "ifbeccdfd3df77",
  mtuBytes: 1280,
  up: true,
  promiscuous: false,
  carrier: true,
};
const GOOD: BandwidthFacts = {
  hostLimit: { bytesPerSecond: 125_000, limitBytes: 23_125 },
  redirectIndex: 9,
  ifb: IFB,
  ifbLimit: { bytesPerSecond: 5e9, limitBytes: 661_870_911 },
};
const NOTHING: BandwidthFacts = {
  hostLimit: undefined,
  redirectIndex: undefined,
  ifb: undefined,
  ifbLimit: undefined,
};

const LIMIT_TO_POD = "tc qdisc replace dev vetheccdfd3df77 root handle 1: tbf rate 125000bps " +
  "burst 20000 limit 23125";
const LIMIT_FROM_POD = [
  "ip link add name ifbeccdfd3df77 mtu 1280 alias 'headcni-ifb:1 net=a id=b if=c' up type ifb",
  "tc qdisc replace dev ifbeccdfd3df77 root handle 1: tbf rate 5000000000bps " +
  "burst 536870911 limit 661870911",
  "tc qdisc replace dev vetheccdfd3df77 ingress && " +
  "tc filter replace dev vetheccdfd3df77 parent ffff: handle 800::800 prio 1 protocol all " +
  "u32 match u32 0 0 action mirred egress redirect dev ifbeccdfd3df77",
];

Deno.test("planBandwidth: a queue for each direction that is limited", () => {
  const lines = (bandwidth: Parameters<typeof planBandwidth>[1]) =>
    planBandwidth(IDENTITY, bandwidth, 1280).map(formatStep);
  assertEquals(lines({}), []);
  assertEquals(lines({ toPod: TO_POD }), [LIMIT_TO_POD]);
  assertEquals(lines({ fromPod: FROM_POD }), LIMIT_FROM_POD);
  assertEquals(lines(BOTH), [LIMIT_TO_POD, ...LIMIT_FROM_POD]);
});

Deno.test("planBandwidth: a burst holds at least one packet", () => {
  const tiny = { bytesPerSecond: 1000, burstBytes: 1 };
  const bursts = planBandwidth(IDENTITY, { toPod: tiny, fromPod: tiny }, 1280)
    .flatMap((step) => step.kind === "limit-link" ? step.rate.burstBytes : []);
  assertEquals(bursts, [1294, 1294]);
  const facts = { ...GOOD, hostLimit: { bytesPerSecond: 1000, limitBytes: 1294 + 25 } };
  assertEquals(diffBandwidth(IDENTITY, { toPod: tiny }, 1280, facts), []);
});

Deno.test("diffBandwidth: nothing to say when all is there, or nothing is wanted", () => {
  assertEquals(diffBandwidth(IDENTITY, BOTH, 1280, GOOD), []);
  assertEquals(diffBandwidth(IDENTITY, {}, 1280, GOOD), []);
  assertEquals(diffBandwidth(IDENTITY, {}, 1280, NOTHING), []);
});

Deno.test("diffBandwidth: names each difference", () => {
  const host = "vetheccdfd3df77";
  const ifb = "ifbeccdfd3df77";
  const cases: [Partial<BandwidthFacts>, string[]][] = [
    [{ hostLimit: undefined }, [`link ${host} has no limit`]],
    [{ hostLimit: { bytesPerSecond: 125_001, limitBytes: 23_124 } }, [
      `link ${host} has a rate of 125001 instead of 125000 B/s`,
      `the queue of link ${host} holds 23124 instead of 23125 bytes`,
    ]],
    [{ ifb: undefined, redirectIndex: 0, ifbLimit: undefined }, [`link ${ifb} is missing`]],
    [{ ifb: { ...IFB, up: false } }, [`link ${ifb} is down`]],
    [{ redirectIndex: undefined }, [
      `what enters host link ${host} is not redirected to ${ifb}`,
    ]],
    [{ redirectIndex: 8 }, [`what enters host link ${host} is not redirected to ${ifb}`]],
    [{ ifbLimit: undefined }, [`link ${ifb} has no limit`]],
    [NOTHING, [`link ${host} has no limit`, `link ${ifb} is missing`]],
  ];
  for (const [change, wanted] of cases) {
    assertEquals(diffBandwidth(IDENTITY, BOTH, 1280, { ...GOOD, ...change }), wanted);
  }
});
