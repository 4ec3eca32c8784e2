/** How a choice is made; host_local_test.ts and strategy_test.ts have what belongs to them. */
import { assertEquals, assertThrows } from "@std/assert";
import { AddressMap } from "../../tests/fakes/address_map.ts";
import { ConfigError } from "../errors.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { type AllocatedAddress, type Choice, chooseAddresses, requireFree } from "./allocate.ts";
import { parseIpamConfig } from "./config.ts";
import { STRATEGY_NAMES } from "./strategy.ts";

/** A range as text: a subnet, or an object with bounds. */
type RangeText = string | { subnet: string; [key: string]: unknown };

interface Case {
  /** Range sets. */
  readonly sets: readonly (readonly RangeText[])[];
  /** No strategy makes a difference. */
  readonly isStrict?: true;
  /** More keys of the section. */
  readonly ipam?: Record<string, unknown>;
  readonly used?: readonly string[];
  readonly resting?: readonly string[];
  /** Given last, by set. */
  readonly last?: readonly (string | undefined)[];
  readonly preferred?: readonly string[];
  readonly rested?: readonly string[];
  readonly requested?: string;
  /** Address and gateway of each set, or the text of the error. */
  readonly want: readonly string[] | string;
}

const CASES: Readonly<Record<string, Case>> = {
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
  "gateway of another range is not given": {
    sets: [[
      { subnet: "10.0.0.0/24", rangeStart: "10.0.0.2", rangeEnd: "10.0.0.9" },
      { subnet: "10.0.0.0/24", rangeStart: "10.0.0.10", gateway: "10.0.0.2" },
    ]],
    want: ["10.0.0.3/24 via 10.0.0.1"],
  },
  "bounds are kept": {
    sets: [[{ subnet: "10.0.0.0/24", rangeStart: "10.0.0.10", rangeEnd: "10.0.0.11" }]],
    last: ["10.0.0.11"],
    want: ["10.0.0.10/24 via 10.0.0.1"],
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
  "next range of the set when the first is full": {
    isStrict: true,
    sets: [["10.0.0.0/30", "10.0.1.0/30"]],
    used: ["10.0.0.2"],
    want: ["10.0.1.2/30 via 10.0.1.1"],
  },
  "one address of each set": {
    sets: [["10.0.0.0/24"], ["10.1.0.0/24"], ["fd00::/48"]],
    last: ["10.0.0.7", undefined, "fd00::ffff"],
    want: ["10.0.0.8/24 via 10.0.0.1", "10.1.0.2/24 via 10.1.0.1", "fd00::1:0/48 via fd00::1"],
  },
  "all sets but one are free": {
    sets: [["10.0.0.0/24"], ["10.1.0.0/30"]],
    used: ["10.1.0.2"],
    want: dry(1, "10.1.0.1-10.1.0.2"),
  },
  "excluded and reserved addresses are skipped": {
    sets: [["10.0.0.0/28"]],
    ipam: { exclude: ["10.0.0.2-10.0.0.4"], reserved: ["10.0.0.5", "10.0.0.6/31"] },
    want: ["10.0.0.8/28 via 10.0.0.1"],
  },
  "a dry set leaves what is reserved and excluded": {
    isStrict: true,
    sets: [["10.0.0.0/29"]],
    ipam: { exclude: ["10.0.0.2"], reserved: ["10.0.0.3"] },
    used: ["10.0.0.4", "10.0.0.5", "10.0.0.6"],
    preferred: ["10.0.0.2", "10.0.0.3"],
    rested: ["10.0.0.3"],
    want: dry(0, "10.0.0.1-10.0.0.6"),
  },
  "the round goes on behind a reserved address that was asked for": {
    sets: [["10.0.0.0/28"]],
    ipam: { reserved: ["10.0.0.5"] },
    last: ["10.0.0.5"],
    want: ["10.0.0.6/28 via 10.0.0.1"],
  },
  "a reserved address on request": {
    isStrict: true,
    sets: [["10.0.0.0/28"]],
    ipam: { reserved: ["10.0.0.5"] },
    requested: "10.0.0.5",
    want: ["10.0.0.5/28 via 10.0.0.1"],
  },
  "an excluded address on request": {
    isStrict: true,
    sets: [["10.0.0.0/28"]],
    ipam: { exclude: ["10.0.0.4/31"] },
    requested: "10.0.0.5",
    want: unavailable("10.0.0.5", "10.0.0.1-10.0.0.14") +
      ": it is excluded, or the gateway of another range",
  },
  "the gateway of another set on request": {
    isStrict: true,
    sets: [["10.0.0.0/28"], [{ subnet: "10.1.0.0/28", gateway: "10.0.0.5" }]],
    requested: "10.0.0.5",
    want: unavailable("10.0.0.5", "10.0.0.1-10.0.0.14") +
      ": it is excluded, or the gateway of another range",
  },
  "a resting address on request": {
    isStrict: true,
    sets: [["10.0.0.0/28"]],
    resting: ["10.0.0.5"],
    requested: "10.0.0.5",
    want: ["10.0.0.5/28 via 10.0.0.1"],
  },
  "requested addresses of two sets, a third one free": {
    sets: [["10.0.0.0/24"], ["10.1.0.0/24"], ["fd00::/64"]],
    requested: "fd00::99, 10.0.0.77/16",
    want: ["10.0.0.77/24 via 10.0.0.1", "10.1.0.2/24 via 10.1.0.1", "fd00::99/64 via fd00::1"],
  },
  "requested broadcast address within the bounds": {
    isStrict: true,
    sets: [[{ subnet: "10.0.0.0/24", rangeEnd: "10.0.0.255" }]],
    requested: "10.0.0.255",
    want: unavailable("10.0.0.255", "10.0.0.1-10.0.0.255"),
  },
  "two requested addresses for one set": {
    isStrict: true,
    sets: [["10.0.0.0/24"]],
    requested: "10.0.0.77,10.0.0.78,10.9.9.9",
    want: "failed to allocate all requested IPs: 10.0.0.78 10.9.9.9",
  },
  "a preferred address before the round": {
    isStrict: true,
    sets: [["10.0.0.0/24"], ["fd00::/64"]],
    last: ["10.0.0.9", "fd00::9"],
    preferred: ["fd00::77", "10.0.0.77"],
    want: ["10.0.0.77/24 via 10.0.0.1", "fd00::77/64 via fd00::1"],
  },
  "a preferred address that rests": {
    isStrict: true,
    sets: [["10.0.0.0/24"]],
    resting: ["10.0.0.77"],
    preferred: ["10.0.0.77"],
    want: ["10.0.0.77/24 via 10.0.0.1"],
  },
  "the next preferred address when one is used, or of no range any more": {
    isStrict: true,
    sets: [["10.0.0.0/24"]],
    used: ["10.0.0.77"],
    preferred: ["10.0.0.77", "10.1.0.5", "fd00::5", "10.0.0.1", "10.0.0.78", "10.0.0.79"],
    want: ["10.0.0.78/24 via 10.0.0.1"],
  },
  "a preferred address that somebody else has": {
    sets: [["10.0.0.0/24"]],
    used: ["10.0.0.77"],
    preferred: ["10.0.0.77"],
    want: ["10.0.0.2/24 via 10.0.0.1"],
  },
  "a request before a preferred address": {
    isStrict: true,
    sets: [["10.0.0.0/24"]],
    preferred: ["10.0.0.77"],
    requested: "10.0.0.5",
    want: ["10.0.0.5/24 via 10.0.0.1"],
  },
  "a free address before those that rest": {
    isStrict: true,
    sets: [["10.0.0.0/29"]],
    used: ["10.0.0.4", "10.0.0.5"],
    resting: ["10.0.0.2", "10.0.0.3"],
    rested: ["10.0.0.3", "10.0.0.2"],
    want: ["10.0.0.6/29 via 10.0.0.1"],
  },
  "the longest rested address of a set that is dry": {
    isStrict: true,
    sets: [["10.0.0.0/29"], ["fd00::/126"]],
    used: ["10.0.0.2", "10.0.0.4", "10.0.0.6"],
    resting: ["10.0.0.5", "10.0.0.3", "fd00::2"],
    rested: ["fd00::2", "10.0.0.5", "10.0.0.3"],
    want: ["10.0.0.5/29 via 10.0.0.1", "fd00::3/126 via fd00::1"],
  },
  "a rested address that was given meanwhile": {
    isStrict: true,
    sets: [["10.0.0.0/30"]],
    used: ["10.0.0.2"],
    rested: ["10.0.0.2"],
    want: dry(0, "10.0.0.1-10.0.0.2"),
  },
};

for (const [name, example] of Object.entries(CASES)) {
  Deno.test(`chooseAddresses: ${name}`, () => {
    const { want } = example;
    for (const strategy of example.isStrict ? STRATEGY_NAMES : ["sequential"]) {
      const choose = () => chooseTexts(example, strategy);
      if (typeof want !== "string") assertEquals(choose(), want, strategy);
      else assertEquals(assertThrows(choose, ConfigError).message, want, strategy);
    }
  });
}

Deno.test("requireFree: is content with one free or resting address in every set", () => {
  const config = parseIpamConfig({
    network: "pods",
    ipam: { ranges: [[{ subnet: "10.0.0.0/30" }], [{ subnet: "fd00::/126" }]] },
    argsIp: "10.9.9.9",
  });
  const map = new AddressMap();
  const [last, first] = ["fd00::3", "fd00::2"].map(parseAddress);
  if (!last || !first) throw new Error("two addresses are needed");
  map.mark(first, "used");
  map.decide(requireFree(config));
  map.mark(last, "resting");
  const error = assertThrows(() => map.decide(requireFree(config)), ConfigError);
  assertEquals([error.reason, error.message], [
    "pool-exhausted",
    "failed to allocate for range 1: no IP addresses available in range set: fd00::1-fd00::3",
  ]);
  map.decide(requireFree(config, [last]));
  map.mark(last, "used");
  assertThrows(() => map.decide(requireFree(config, [last])), ConfigError);
});

function dry(index: number, set: string): string {
  return `failed to allocate for range ${index}: no IP addresses available in range set: ${set}`;
}

function unavailable(address: string, set: string): string {
  return `failed to allocate for range 0: requested IP address ${address} is not available in ` +
    `range set ${set}`;
}

function chooseTexts(example: Case, allocation_strategy: string): string[] {
  const { sets, used = [], resting = [], last = [], preferred = [], rested = [] } = example;
  const ranges = sets.map((set) =>
    set.map((one) => typeof one === "string" ? { subnet: one } : one)
  );
  const ipam = { ranges, ...example.ipam, allocation_strategy };
  const config = parseIpamConfig({ network: "pods", ipam, argsIp: example.requested });
  const map = new AddressMap();
  for (const address of used) map.mark(parseAddress(address), "used");
  for (const address of resting) map.mark(parseAddress(address), "resting");
  const choice: Choice = {
    cursors: last.map((text) => text ? parseAddress(text) : undefined),
    preferred: preferred.map(parseAddress),
    rested: rested.map(parseAddress),
    random: () => 0.5,
  };
  return map.decide(chooseAddresses(config, choice)).map(formatAllocated);
}

function formatAllocated({ address, gateway }: AllocatedAddress): string {
  return `${formatPrefix(address)} via ${gateway ? formatAddress(gateway) : "none"}`;
}
