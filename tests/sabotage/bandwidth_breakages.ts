import type { Breakage } from "./breakages.ts";

/** Those of the limits that pods have. */
export const BANDWIDTH_BREAKAGES: readonly Breakage[] = [
  // The limit of a pod counts bits as bytes: it is eight times what was asked for.
  {
    file: "lib/pod/bandwidth.ts",
    text: "bytesPerSecond: Math.floor(rateBits / BITS_PER_BYTE),",
    replacement: "bytesPerSecond: rateBits,",
    testFile: "lib/pod/bandwidth_test.ts",
    test: "parseBandwidth: bytes of bits, of the runtime and of the configuration",
  },
  // A rate of 40 Gbit/s becomes one of 34.
  {
    file: "lib/netlink/qdisc.ts",
    text: "if (bytesPerSecond > MAX_U32)",
    replacement: "if (bytesPerSecond < 0)",
    testFile: "lib/netlink/qdisc_test.ts",
    test: "setBucket, decodeBucket: what is set is what is read",
  },
  // A burst that is smaller than a packet keeps full packets from ever passing.
  {
    file: "lib/pod/plan_bandwidth.ts",
    text: "Math.max(rate.burstBytes, mtuBytes + ETHERNET_HEADER_BYTES)",
    replacement: "rate.burstBytes",
    testFile: "lib/pod/plan_bandwidth_test.ts",
    test: "planBandwidth: a burst holds at least one packet",
  },
  // An ifb passes for the link of a pod that is gone: its lease is never freed.
  {
    file: "lib/pod/identity.ts",
    text: 'const IFB_MARK = "headcni-ifb:1";',
    replacement: "const IFB_MARK = ALIAS_MARK;",
    testFile: "lib/pod/identity_test.ts",
    test: "formatIfbAlias: tells the owner, but is no link of a pod",
  },
  // CHECK takes a filter for some packets for the limit of all.
  {
    file: "lib/netlink/redirect.ts",
    text: "if (options.get(TCA_U32_SEL)?.toHex() !== MATCH_ALL.toHex()) return undefined;",
    replacement: "",
    testFile: "lib/netlink/redirect_test.ts",
    test: "decodeRedirect: undefined for a filter that does anything else",
  },
];
