import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { parsePrefix } from "../net/prefix.ts";
import {
  followPodCidr,
  formatLastPodCidr,
  type LastPodCidr,
  parseLastPodCidr,
} from "./last_pod_cidr.ts";

const LAST: LastPodCidr = {
  nodeName: "node-1",
  cidrs: ["10.244.1.0/24", "fd00::/64"].map(parsePrefix),
  ...{ source: "file", origin: "/var/lib/kubelet/config.yaml", since: "2026-01-01T00:00:00.000Z" },
};

Deno.test("formatLastPodCidr and parseLastPodCidr: there and back", () => {
  assertEquals(parseLastPodCidr(formatLastPodCidr(LAST)), LAST);
});

Deno.test("parseLastPodCidr: cut anywhere, of another version, or without a part, is refused", () => {
  const text = formatLastPodCidr(LAST);
  for (let length = 0; length < text.length - 2; length++) {
    assertThrows(() => parseLastPodCidr(text.slice(0, length)), ConfigError);
  }
  const changes = [
    ["version", 2],
    ["nodeName", ""],
    ["cidrs", []],
    ["cidrs", ["10.0.0.0/24", "10.0.1.0/24"]],
    ["cidrs", ["10.0.0.0"]],
    ["since", "yesterday"],
  ] as const;
  for (const [key, value] of changes) {
    const changed = JSON.stringify({ ...JSON.parse(text), [key]: value });
    assertThrows(() => parseLastPodCidr(changed), ConfigError);
  }
});

Deno.test("followPodCidr: the time stays while the CIDRs and the node do", () => {
  const { since: _, ...next } = LAST;
  const now = new Date("2026-02-02T00:00:00Z");
  const since = (previous: LastPodCidr | undefined) => followPodCidr(previous, next, now).since;
  assertEquals(since(undefined), "2026-02-02T00:00:00.000Z");
  assertEquals(
    since({ ...LAST, source: "api-server", cidrs: LAST.cidrs.toReversed() }),
    LAST.since,
  );
  assertEquals(since({ ...LAST, nodeName: "node-2" }), "2026-02-02T00:00:00.000Z");
  assertEquals(since({ ...LAST, cidrs: LAST.cidrs.slice(1) }), "2026-02-02T00:00:00.000Z");
});
