import { assertEquals, assertThrows } from "@std/assert";
import { foldRuntimeConfig } from "../cni/runtime_config.ts";
import { ConfigError } from "../errors.ts";
import { parseBandwidth } from "./bandwidth.ts";

const MEGABIT = { bytesPerSecond: 125_000, burstBytes: 20_000 };

Deno.test("parseBandwidth: bytes of bits, of the runtime and of the configuration", () => {
  const ingress = { ingressRate: 1_000_000, ingressBurst: 160_000 };
  const egress = { egressRate: 1_000_000, egressBurst: 160_000 };
  const cases: [asked: unknown, own: Record<string, unknown>, wanted: unknown][] = [
    [undefined, {}, {}],
    [null, { ingressRate: null, ingressBurst: "" }, {}],
    [{}, { ingressRate: 0, egressBurst: 0 }, {}],
    [ingress, {}, { toPod: MEGABIT }],
    [egress, {}, { fromPod: MEGABIT }],
    [{ ...ingress, ...egress }, {}, { toPod: MEGABIT, fromPod: MEGABIT }],
    [undefined, { ...ingress, ...egress }, { toPod: MEGABIT, fromPod: MEGABIT }],
    [ingress, egress, { toPod: MEGABIT, fromPod: MEGABIT }],
    [ingress, { ingressRate: 8, ingressBurst: 8 }, { toPod: MEGABIT }],
    [{ ingressRate: 8, ingressBurst: 8 }, ingress, {
      toPod: { bytesPerSecond: 1, burstBytes: 1 },
    }],
    [{ ingressRate: 1e15, ingressBurst: 34_359_738_359 }, {}, {
      toPod: { bytesPerSecond: 125e12, burstBytes: 2 ** 32 - 2 },
    }],
  ];
  for (const [asked, own, wanted] of cases) assertEquals(parse(asked, own), wanted);
});

Deno.test("parseBandwidth: what containerd sends for a pod with one annotation", () => {
  const sent = { IngressRate: 0, IngressBurst: 0, EgressRate: 10e9, EgressBurst: 4_294_967_295 };
  assertEquals(parse(sent), { fromPod: { bytesPerSecond: 1.25e9, burstBytes: 536_870_911 } });
});

Deno.test("parseBandwidth: names every fault", () => {
  const rates = "0 (no limit), or 8 to 9007199254740990 bits wanted";
  const bursts = "0 (no limit), or 8 to 34359738359 bits wanted";
  const error = assertThrows(
    () =>
      parse({ ingressRate: 7, ingressBurst: 34_359_738_360, egressBurst: 9 }, {
        ingressRate: "1M",
        ingressBurst: 8.5,
        egressRate: -8,
      }),
    ConfigError,
  );
  assertEquals(
    error.message.split(": ").slice(1).join(": ").split("; ").toSorted(),
    [
      "egressBurst: a value wanted where egressRate has one, got 0",
      `egressRate: ${rates}, got -8`,
      `ingressBurst: ${bursts}, got 8.5`,
      'ingressRate: number wanted, got "1M"',
      "runtimeConfig.bandwidth.egressRate: a value wanted where egressBurst has one, got 0",
      `runtimeConfig.bandwidth.ingressBurst: ${bursts}, got 34359738360`,
      `runtimeConfig.bandwidth.ingressRate: ${rates}, got 7`,
    ],
  );
  assertEquals(error.message.split(": ")[0], 'Cannot use bandwidth of network config "pods"');
});

function parse(asked: unknown, own: Record<string, unknown> = {}) {
  return parseBandwidth({
    cniVersion: "1.0.0",
    name: "pods",
    type: "headcni",
    raw: own,
    ipam: undefined,
    runtimeConfig: foldRuntimeConfig({ bandwidth: asked }),
    cniArgs: {},
    prevResult: undefined,
    validAttachments: undefined,
  });
}
