import { assertEquals, assertThrows } from "@std/assert";
import { AddressMap } from "../../tests/fakes/address_map.ts";
import { ConfigError } from "../errors.ts";
import { type Address, formatAddress, parseAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { type Choice, chooseAddresses, requireFree } from "./allocate.ts";
import { parseIpamConfig } from "./config.ts";

/** A range as text: a subnet, or an object with bounds. */
type RangeText = string | { subnet: string; [key: string]: string };

interface Case {
  /** Range sets. */
  readonly sets: readonly (readonly RangeText[])[];
  readonly taken?: readonly string[];
  /** Given last, by set. */
  readonly last?: readonly (string | undefined)[];
  readonly requested?: string;
  /** Address and gateway of each set, or the text of the error. */
  readonly want: readonly string[] | string;
}

/** What host-local's own allocator tests hold, as facts (plugins/ipam/host-local/backend/allocator). */
const CASES: Readonly<Record<string, Case>> = {
  "first address behind the gateway": {
    sets: [["10.0.0.0/29"]],
    want: ["10.0.0.2/29 via 10.0.0.1"],
  },
  "first IPv6 address": {
    sets: [["2001:db8:1::/64"]],
    want: ["2001:db8:1::2/64 via 2001:db8:1::1"],
  },
  "smallest subnet": { sets: [["10.0.0.0/30"]], want: ["10.0.0.2/30 via 10.0.0.1"] },
  "taken addresses are skipped": {
    sets: [["10.0.0.0/29"]],
    taken: ["10.0.0.2", "10.0.0.3"],
    want: ["10.0.0.4/29 via 10.0.0.1"],
  },
  "round robin goes on behind the last one": {
    sets: [["10.0.0.0/29"]],
    taken: ["10.0.0.4", "10.0.0.5"],
    last: ["10.0.0.3"],
    want: ["10.0.0.6/29 via 10.0.0.1"],
  },
  "round robin begins anew behind the end": {
    sets: [["10.0.0.0/29"]],
    taken: ["10.0.0.6"],
    last: ["10.0.0.5"],
    want: ["10.0.0.2/29 via 10.0.0.1"],
  },
  "round robin at the very end": {
    sets: [["10.0.0.0/29"]],
    taken: ["10.0.0.2"],
    last: ["10.0.0.6"],
    want: ["10.0.0.3/29 via 10.0.0.1"],
  },
  "last one outside of the range counts for nothing": {
    sets: [["10.0.0.0/29"]],
    taken: ["10.0.0.2"],
    last: ["10.0.0.128"],
    want: ["10.0.0.3/29 via 10.0.0.1"],
  },
  "the last one itself is free again": {
    sets: [["10.0.0.0/29"]],
    taken: ["10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"],
    last: ["10.0.0.3"],
    want: ["10.0.0.3/29 via 10.0.0.1"],
  },
  "gateway in the middle is skipped": {
    sets: [[{ subnet: "10.0.0.0/29", gateway: "10.0.0.3" }]],
    last: ["10.0.0.2"],
    want: ["10.0.0.4/29 via 10.0.0.3"],
  },
  "gateway at the end leaves the first address": {
    sets: [[{ subnet: "10.0.0.0/29", gateway: "10.0.0.6" }]],
    last: ["10.0.0.5"],
    want: ["10.0.0.1/29 via 10.0.0.6"],
  },
  "bounds are kept": {
    sets: [[{ subnet: "10.0.0.0/24", rangeStart: "10.0.0.10", rangeEnd: "10.0.0.11" }]],
    last: ["10.0.0.11"],
    want: ["10.0.0.10/24 via 10.0.0.1"],
  },
  "next range of the set when the first is full": {
    sets: [["10.0.0.0/30", "10.0.1.0/30"]],
    taken: ["10.0.0.2"],
    want: ["10.0.1.2/30 via 10.0.1.1"],
  },
  "round robin over the ranges of a set": {
    sets: [["10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30"]],
    last: ["10.0.1.2"],
    want: ["10.0.2.2/30 via 10.0.2.1"],
  },
  "round robin from the last range to the first": {
    sets: [["10.0.0.0/30", "10.0.1.0/30"]],
    last: ["10.0.1.2"],
    want: ["10.0.0.2/30 via 10.0.0.1"],
  },
  "one address of each set": {
    sets: [["10.0.0.0/24"], ["10.1.0.0/24"], ["fd00::/48"]],
    last: ["10.0.0.7", undefined, "fd00::ffff"],
    want: [
      "10.0.0.8/24 via 10.0.0.1",
      "10.1.0.2/24 via 10.1.0.1",
      "fd00::1:0/48 via fd00::1",
    ],
  },
  "broadcast is never given": {
    sets: [["10.0.0.0/29"]],
    taken: ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"],
    want: "failed to allocate for range 0: no IP addresses available in range set: " +
      "10.0.0.1-10.0.0.6",
  },
  "network and broadcast are not given although the bounds hold them": {
    sets: [[{ subnet: "10.0.0.0/30", rangeStart: "10.0.0.0", rangeEnd: "10.0.0.3" }]],
    last: ["10.0.0.2"],
    want: ["10.0.0.2/30 via 10.0.0.1"],
  },
  "subnet-router anycast is not given although the bounds hold it": {
    sets: [[{ subnet: "fd00::/126", rangeStart: "fd00::" }]],
    last: ["fd00::3"],
    want: ["fd00::2/126 via fd00::1"],
  },
  "gateway of another range is not given": {
    sets: [[
      { subnet: "10.0.0.0/24", rangeStart: "10.0.0.2", rangeEnd: "10.0.0.9" },
      { subnet: "10.0.0.0/24", rangeStart: "10.0.0.10", gateway: "10.0.0.2" },
    ]],
    want: ["10.0.0.3/24 via 10.0.0.1"],
  },
  "all sets but one are free": {
    sets: [["10.0.0.0/24"], ["10.1.0.0/30"]],
    taken: ["10.1.0.2"],
    want: "failed to allocate for range 1: no IP addresses available in range set: " +
      "10.1.0.1-10.1.0.2",
  },
  "requested address": {
    sets: [["10.0.0.0/24"]],
    requested: "10.0.0.77",
    want: ["10.0.0.77/24 via 10.0.0.1"],
  },
  "requested addresses of two sets, a third one free": {
    sets: [["10.0.0.0/24"], ["10.1.0.0/24"], ["fd00::/64"]],
    requested: "fd00::99, 10.0.0.77/16",
    want: ["10.0.0.77/24 via 10.0.0.1", "10.1.0.2/24 via 10.1.0.1", "fd00::99/64 via fd00::1"],
  },
  "requested address that is taken": {
    sets: [["10.0.0.0/24"]],
    taken: ["10.0.0.77"],
    requested: "10.0.0.77",
    want: "failed to allocate for range 0: requested IP address 10.0.0.77 is not available in " +
      "range set 10.0.0.1-10.0.0.254",
  },
  "requested gateway": {
    sets: [["10.0.0.0/24"]],
    requested: "10.0.0.1",
    want: "failed to allocate for range 0: requested ip 10.0.0.1 is subnet's gateway",
  },
  "requested broadcast address within the bounds": {
    sets: [[{ subnet: "10.0.0.0/24", rangeEnd: "10.0.0.255" }]],
    requested: "10.0.0.255",
    want: "failed to allocate for range 0: requested IP address 10.0.0.255 is not available in " +
      "range set 10.0.0.1-10.0.0.255",
  },
  "requested address outside of the bounds": {
    sets: [[{ subnet: "10.0.0.0/24", rangeStart: "10.0.0.100" }]],
    requested: "10.0.0.77",
    want: "failed to allocate all requested IPs: 10.0.0.77",
  },
  "two requested addresses for one set": {
    sets: [["10.0.0.0/24"]],
    requested: "10.0.0.77,10.0.0.78,10.9.9.9",
    want: "failed to allocate all requested IPs: 10.0.0.78 10.9.9.9",
  },
};

for (const [name, example] of Object.entries(CASES)) {
  Deno.test(`chooseAddresses: ${name}`, () => {
    const choose = () => chooseTexts(example);
    const { want } = example;
    if (typeof want !== "string") assertEquals(choose(), want);
    else assertEquals(assertThrows(choose, ConfigError).message, want);
  });
}

Deno.test("chooseAddresses: gives every address of a subnet once, then none", () => {
  const config = parseIpamConfig({ network: "pods", ipam: { subnet: "10.0.0.0/24" } });
  const map = new AddressMap();
  const given: string[] = [];
  let last: Address | undefined;
  for (let i = 0; i < 253; i++) {
    const [one] = map.decide(chooseAddresses(config, choiceOf([last])));
    last = one?.address.address;
    if (last) map.mark(last, "used");
    given.push(last ? formatAddress(last) : "none");
  }
  assertEquals(given, Array.from({ length: 253 }, (_, i) => `10.0.0.${i + 2}`));
  assertThrows(() => map.decide(requireFree(config)), ConfigError, "no IP addresses available");
});

Deno.test("requireFree: is content with one free address in every set", () => {
  const config = parseIpamConfig({
    network: "pods",
    ipam: { ranges: [[{ subnet: "10.0.0.0/30" }], [{ subnet: "fd00::/126" }]] },
  });
  const map = new AddressMap();
  map.mark(parseAddress("fd00::2"), "used");
  map.decide(requireFree(config));
  map.mark(parseAddress("fd00::3"), "used");
  const error = assertThrows(() => map.decide(requireFree(config)), ConfigError);
  assertEquals(error.reason, "pool-exhausted");
});

function chooseTexts({ sets, taken = [], last = [], requested }: Case): string[] {
  const ranges = sets.map((set) =>
    set.map((one) => typeof one === "string" ? { subnet: one } : one)
  );
  const config = parseIpamConfig({ network: "pods", ipam: { ranges }, argsIp: requested });
  const map = new AddressMap();
  for (const address of taken) map.mark(parseAddress(address), "used");
  const cursors = sets.map((_, index) => last[index]).map((text) =>
    text ? parseAddress(text) : undefined
  );
  const chosen = map.decide(chooseAddresses(config, choiceOf(cursors)));
  return chosen.map(({ address, gateway }) =>
    `${formatPrefix(address)} via ${gateway ? formatAddress(gateway) : "none"}`
  );
}

function choiceOf(cursors: readonly (Address | undefined)[]): Choice {
  return { cursors, preferred: [], rested: [], random: () => 0 };
}
