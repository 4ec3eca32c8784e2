import { assertEquals, assertThrows } from "@std/assert";
import { type Address, formatAddress, parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { parsePrefix } from "../net/prefix.ts";
import { type Entry, isHidden, isLed, isStale, parseEntry, type Tuple } from "./entry.ts";

const [NODE, POD] = ["192.0.2.1", "10.1.0.5"];
const PORT: HostPort = {
  ...{ protocol: "udp", hostPort: 53, hostIp: undefined },
  ...{ target: parseAddress(POD), targetPort: 5353 },
};

/** As the kernel sends an entry: a flow from 192.0.2.9:40000 to 192.0.2.1:53 that a pod answers. */
const ENTRY = `02000000
  34000180 14000180 08000100 c0000209 08000200 c0000201
    1c000280 05000100 11000000 06000200 9c400000 06000300 00350000
  34000280 14000180 08000100 0a010005 08000200 c0000209
    1c000280 05000100 11000000 06000200 14e90000 06000300 9c400000
  08000300 00000188 08000c00 7a5e01c3 06001200 00050000`;

Deno.test("parseEntry: both directions, and what names it", () => {
  const entry = parseEntry(message(ENTRY));
  assertEquals(entry && [format(entry.original), format(entry.reply)], [
    "17 192.0.2.9:40000 -> 192.0.2.1:53",
    "17 10.1.0.5:5353 -> 192.0.2.9:40000",
  ]);
  assertEquals([entry?.name.family, entry?.name.id.toHex()], [2, "7a5e01c3"]);
  assertEquals([entry?.name.original.length, entry?.name.zone?.toHex()], [48, "0005"]);
});

Deno.test("parseEntry: leaves out what has no ports, refuses what is cut short", () => {
  const withoutPorts = ENTRY.replace("06000300 00350000", "05000400 00000000");
  assertEquals(parseEntry(message(withoutPorts)), undefined);
  assertEquals(parseEntry(message("02000000")), undefined);
  assertThrows(() => parseEntry(message(ENTRY.slice(0, 40))), RangeError);
});

Deno.test("isStale: goes to the port, and elsewhere than it leads", () => {
  const specific = { ...PORT, hostIp: parseAddress(NODE) };
  const cases: [string, Entry, HostPort, boolean][] = [
    ["to the node", entryOf(NODE, 53, NODE, 53), PORT, true],
    ["to another pod", entryOf(NODE, 53, "10.1.0.6", 5353), PORT, true],
    ["to another port of the pod", entryOf(NODE, 53, POD, 53), PORT, true],
    ["where it leads", entryOf(NODE, 53, POD, 5353), PORT, false],
    ["to somebody outside", entryOf("192.0.2.77", 53, "192.0.2.77", 53), PORT, false],
    ["to another port", entryOf(NODE, 54, NODE, 54), PORT, false],
    ["by TCP", entryOf(NODE, 53, NODE, 53, 6), PORT, false],
    ["of the other family", entryOf("fd00::1", 53, "fd00::1", 53), PORT, false],
    ["to the address", entryOf(NODE, 53, NODE, 53), specific, true],
    ["to another address", entryOf("127.0.0.1", 53, "127.0.0.1", 53), specific, false],
  ];
  const isLocal = (address: Address) => formatAddress(address) !== "192.0.2.77";
  for (const [name, entry, port, expected] of cases) {
    assertEquals(isStale(entry, port, isLocal), expected, name);
  }
});

Deno.test("isLed: came to the port, and the pod answers", () => {
  const cases: [string, Entry, boolean][] = [
    ["led", entryOf(NODE, 53, POD, 5353), true],
    ["to the pod itself", entryOf(POD, 5353, POD, 5353), false],
    ["to the pod itself, same port", entryOf(POD, 53, POD, 5353), false],
    ["by another port", entryOf(NODE, 54, POD, 5353), false],
    ["to another pod", entryOf(NODE, 53, "10.1.0.6", 5353), false],
    ["by TCP", entryOf(NODE, 53, POD, 5353, 6), false],
  ];
  for (const [name, entry, expected] of cases) assertEquals(isLed(entry, PORT), expected, name);
});

Deno.test("isHidden: a sender of ours whom one that is to see it does not see", () => {
  const [sources, destinations] = [["10.1.0.0/24", "fd00:1::/64"], ["10.1.0.0/16", "fd00:2::/64"]]
    .map((texts) => texts.map(parsePrefix));
  const cases: [string, Entry, boolean][] = [
    ["hidden", hiddenBy("10.1.0.5", "10.1.7.2", NODE), true],
    ["hidden, IPv6", hiddenBy("fd00:1::5", "fd00:2::2", "fd00::1"), true],
    ["seen", hiddenBy("10.1.0.5", "10.1.7.2", "10.1.0.5"), false],
    ["of somebody else", hiddenBy("10.1.1.5", "10.1.7.2", NODE), false],
    ["to somebody else", hiddenBy("10.1.0.5", "198.51.100.2", NODE), false],
    ["by TCP", hiddenBy("10.1.0.5", "10.1.7.2", NODE, 6), false],
  ];
  for (const [name, entry, expected] of cases) {
    assertEquals(isHidden(entry, sources ?? [], destinations ?? []), expected, name);
  }
});

/** A flow from an address to another, which sees it come from a third. */
function hiddenBy(from: string, to: string, seen: string, protocol = 17): Entry {
  const entry = entryOf(to, 53, to, 53, protocol);
  return {
    ...entry,
    original: { ...entry.original, source: parseAddress(from) },
    reply: { ...entry.reply, destination: parseAddress(seen) },
  };
}

/** A flow to an address and port that is answered from another. */
function entryOf(
  to: string,
  port: number,
  answerer: string,
  answererPort: number,
  protocol = 17,
): Entry {
  const caller = parseAddress(to.includes(":") ? "fd00::9" : "192.0.2.9");
  const tuple = (source: Address, sourcePort: number, destination: Address, toPort: number) => ({
    ...{ source, sourcePort, destination, destinationPort: toPort, protocol },
  });
  return {
    original: tuple(caller, 40_000, parseAddress(to), port),
    reply: tuple(parseAddress(answerer), answererPort, caller, 40_000),
    name: { family: 2, original: new Uint8Array(), id: new Uint8Array(), zone: undefined },
  };
}

function format({ protocol, source, sourcePort, destination, destinationPort }: Tuple): string {
  const [from, to] = [source, destination].map(formatAddress);
  return `${protocol} ${from}:${sourcePort} -> ${to}:${destinationPort}`;
}

function message(text: string) {
  const body = Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
  return { type: 0x100, flags: 2, sequence: 1, body };
}
