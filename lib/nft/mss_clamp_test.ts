import { assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import { WireWriter } from "../wire/attribute.ts";
import type { Change } from "./change.ts";
import { type MssClamp, planMssClamp } from "./mss_clamp.ts";
import { writeTree } from "./tree.ts";

const DEVICE = { name: "tailscale0", mtuBytes: 1280 };
const WANT: MssClamp = {
  podCidrs: ["10.1.1.1/24", "fd00:1::/64"].map(parsePrefix),
  device: DEVICE,
};
const TO = 'comment "headcni: segments of pods, to the tailnet"';
const FROM = 'comment "headcni: segments of pods, from the tailnet"';
const ADD_RULES = [
  'oifname "tailscale0" meta nfproto ipv4 ip saddr 10.1.1.0/24 ' +
  `tcp flags syn tcp option maxseg size set 1240 ${TO}`,
  'iifname "tailscale0" meta nfproto ipv4 ip daddr 10.1.1.0/24 ' +
  `tcp flags syn tcp option maxseg size set 1240 ${FROM}`,
  'oifname "tailscale0" meta nfproto ipv6 ip6 saddr fd00:1::/64 ' +
  `tcp flags syn tcp option maxseg size set 1220 ${TO}`,
  'iifname "tailscale0" meta nfproto ipv6 ip6 daddr fd00:1::/64 ' +
  `tcp flags syn tcp option maxseg size set 1220 ${FROM}`,
].map((rule) => `add rule inet headcni mss ${rule}`);
const ADD_CHAIN = [
  "add table inet headcni",
  "add chain inet headcni mss { type filter hook forward priority -150; policy accept; }",
];
const FLUSH = "flush chain inet headcni mss";
/** What the kernel has after {@linkcode planMssClamp}. */
const THERE = planMssClamp(WANT, []).slice(ADD_CHAIN.length).map(kernelRule);

Deno.test("planMssClamp: both ends of a connection, to and from the tailnet", () => {
  assertEquals(plan(WANT, []), [...ADD_CHAIN, ...ADD_RULES]);
});

Deno.test("planMssClamp: nothing to do where all is there, or nothing is wanted", () => {
  assertEquals(plan(WANT, THERE), []);
  assertEquals(plan({ ...WANT, device: undefined }, []), []);
  assertEquals(plan({ ...WANT, podCidrs: [] }, []), []);
});

Deno.test("planMssClamp: writes the chain anew when anything in it is another", () => {
  const anew = [...ADD_CHAIN, FLUSH, ...ADD_RULES];
  const foreign = new Uint8Array();
  for (const have of [THERE.slice(1), [...THERE, foreign], THERE.toReversed(), [foreign]]) {
    assertEquals(plan(WANT, have), anew);
  }
});

Deno.test("planMssClamp: follows the name and the MTU of the device", () => {
  const renamed = { ...WANT, device: { ...DEVICE, name: "ts1" } };
  assertEquals(plan(renamed, THERE)[3]?.includes('oifname "ts1"'), true);
  const cases: [mtuBytes: number, size4: number, size6: number][] = [
    [1280, 1240, 1220],
    [1420, 1380, 1360],
    [65_600, 65_535, 65_535],
  ];
  for (const [mtuBytes, ...sizes] of cases) {
    const rules = plan({ ...WANT, device: { ...DEVICE, mtuBytes } }, []).slice(ADD_CHAIN.length);
    const found = rules.map((rule) => Number(/size set (\d+)/.exec(rule)?.[1]));
    assertEquals(found, sizes.flatMap((size) => [size, size]), `${mtuBytes}`);
  }
});

Deno.test("planMssClamp: without a device, or pods, the chain goes", () => {
  const removal = [FLUSH, "delete chain inet headcni mss"];
  assertEquals(plan({ ...WANT, device: undefined }, THERE), removal);
  assertEquals(plan({ ...WANT, podCidrs: [] }, THERE), removal);
});

function plan(want: MssClamp, have: readonly Uint8Array[]): string[] {
  return planMssClamp(want, have).map(({ text }) => text);
}

/** A rule as the kernel would send it. */
function kernelRule({ attributes }: Change): Uint8Array {
  const writer = new WireWriter();
  writeTree(writer, attributes);
  return writer.finish();
}
