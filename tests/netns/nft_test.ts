/** Masquerade, with nft(8) as witness. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KernelError } from "../../lib/errors.ts";
import { errnoText } from "../../lib/linux/errno.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import {
  ensureMasquerade,
  missingMasquerade,
  type NftSocket,
  removeTable,
} from "../../lib/linux/nft.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import type { Masquerade } from "../../lib/nft/masquerade.ts";
import { parseGeneration, queryGeneration } from "../../lib/nft/query.ts";
import { nftRequest } from "../../lib/nft/request.ts";
import { netnsTest, type TestNetns } from "./namespace.ts";

const WANT = masquerade(["10.1.0.0/24", "fd00:1::/64"], ["10.0.0.0/8", "fd00::/16"]);
const RULE4 = "ip saddr @masquerade4 ip daddr != @exempt4 masquerade fully-random " +
  'comment "headcni: masquerade pods, IPv4"';
const RULE6 = "ip6 saddr @masquerade6 ip6 daddr != @exempt6 masquerade fully-random " +
  'comment "headcni: masquerade pods, IPv6"';

/** All of {@linkcode WANT} as `nft list` shows it, a line each. */
const LISTING = [
  "table inet headcni {",
  "set masquerade4 { type ipv4_addr flags interval elements = { 10.1.0.0/24 } }",
  "set exempt4 { type ipv4_addr flags interval elements = { 10.0.0.0/8, 224.0.0.0/4 } }",
  "set masquerade6 { type ipv6_addr flags interval elements = { fd00:1::/64 } }",
  "set exempt6 { type ipv6_addr flags interval elements = { fd00::/16, ff00::/8 } }",
  "chain postrouting { type nat hook postrouting priority srcnat; policy accept;",
  RULE4,
  RULE6,
  "} }",
];

netnsTest("ensureMasquerade: makes what nft(8) makes of the same commands", async (pair) => {
  using socket = openSocket(pair.host);
  const commands = missingMasquerade(socket, WANT);
  assertEquals(ensureMasquerade(socket, WANT), "changed");
  await pair.pod.run("nft", commands.join("; "));
  assertEquals(await ruleset(pair.host), await ruleset(pair.pod));
  const listing = await pair.host.run("nft", "list", "ruleset");
  assertEquals(words(listing), words(LISTING.join(" ")));
  removeTable(socket);
  await pair.pod.run("nft", "delete", "table", "inet", "headcni");
});

netnsTest("ensureMasquerade: a repeat changes nothing, not even the generation", async (pair) => {
  using socket = openSocket(pair.host);
  ensureMasquerade(socket, WANT);
  const before = [await ruleset(pair.host), generation(socket)];
  const subset = masquerade(["10.1.0.128/25", "fd00:1::5/128"], ["10.9.0.0/16"]);
  for (const want of [WANT, subset, masquerade([], ["1.0.0.0/8"])]) {
    assertEquals(ensureMasquerade(socket, want), "present");
    assertEquals(missingMasquerade(socket, want), []);
  }
  assertEquals([await ruleset(pair.host), generation(socket)], before);
  removeTable(socket);
});

netnsTest("ensureMasquerade: networks of a node share the sets", async (pair) => {
  using socket = openSocket(pair.host);
  const cases: [string[], string[], string, string][] = [
    [["10.1.1.0/24"], [], "10.1.1.0/24", "10.1.1.0/24, 224.0.0.0/4"],
    [
      ["10.1.2.0/24"],
      ["10.96.0.0/12"],
      "10.1.1.0/24, 10.1.2.0/24",
      [
        "10.1.1.0/24, 10.1.2.0/24",
        "10.96.0.0/12, 224.0.0.0/4",
      ].join(", "),
    ],
    [["10.1.0.0/16"], ["10.0.0.0/8"], "10.1.0.0/16", "10.0.0.0/8, 224.0.0.0/4"],
    [["0.0.0.0/0"], ["128.0.0.0/1"], "0.0.0.0/0", "0.0.0.0/0"],
  ];
  for (const [sources, exempt, sourceSet, exemptSet] of cases) {
    assertEquals(ensureMasquerade(socket, masquerade(sources, exempt)), "changed");
    assertEquals(await elements(pair.host, "masquerade4"), sourceSet);
    assertEquals(await elements(pair.host, "exempt4"), exemptSet);
  }
  removeTable(socket);
});

netnsTest("ensureMasquerade: repairs whatever was taken away or changed", async (pair) => {
  using socket = openSocket(pair.host);
  ensureMasquerade(socket, WANT);
  const whole = (await ruleset(pair.host)).toSorted();
  const chain = "inet headcni postrouting";
  for (
    const damage of [
      `delete rule ${chain} handle RULE4`,
      `delete rule ${chain} handle RULE6`,
      `flush chain ${chain}`,
      `flush chain ${chain}; delete chain ${chain}`,
      `replace rule ${chain} handle RULE4 ${RULE4.replace("!= @exempt4", "@exempt4")}`,
      `replace rule ${chain} handle RULE6 ${RULE6.replace(" fully-random", "")}`,
      `add rule ${chain} ${RULE4}`,
      `insert rule ${chain} accept comment "headcni: masquerade pods, IPv4"`,
      "delete element inet headcni masquerade4 { 10.1.0.0/24 }",
      "flush set inet headcni exempt6",
      "delete element inet headcni exempt4 { 10.0.0.0/8 }; " +
      "add element inet headcni exempt4 { 10.0.0.0/9, 10.200.0.0/24 }",
      `flush chain ${chain}; delete set inet headcni exempt4`,
      "delete table inet headcni",
      "flush ruleset",
    ]
  ) {
    await pair.host.run("nft", await withHandles(pair.host, damage));
    assertEquals(ensureMasquerade(socket, WANT), "changed", damage);
    assertEquals((await ruleset(pair.host)).toSorted(), whole, damage);
    assertEquals(ensureMasquerade(socket, WANT), "present", damage);
  }
  removeTable(socket);
});

netnsTest("ensureMasquerade, removeTable: what is not ours stays", async (pair) => {
  using socket = openSocket(pair.host);
  await pair.host.run(
    "nft",
    "add table ip headcni; add table inet other { set s { type mark; }; }",
  );
  const others = await ruleset(pair.host);
  ensureMasquerade(socket, WANT);
  const [chain, set] = ["inet headcni postrouting", "inet headcni exempt4"];
  await pair.host.run("nft", `insert rule ${chain} oif lo return; add element ${set} { 1.1.1.1 }`);
  assertEquals(ensureMasquerade(socket, WANT), "present");
  await pair.host.run("nft", await withHandles(pair.host, `delete rule ${chain} handle RULE4`));
  assertEquals(ensureMasquerade(socket, WANT), "changed");
  const listing = words(await pair.host.run("nft", "list", "chain", ...chain.split(" ")));
  assertEquals(listing.includes('oif "lo" return'), true);
  assertEquals(await elements(pair.host, "exempt4"), "1.1.1.1, 10.0.0.0/8, 224.0.0.0/4");
  removeTable(socket);
  assertEquals(await ruleset(pair.host), others);
  assertEquals(removeTable(socket), false); // an absent one is no fault
  await pair.host.run("nft", "flush ruleset");
});

netnsTest("ensureMasquerade: reads again when somebody wrote in between", async (pair) => {
  using socket = openSocket(pair.host);
  using rival = openSocket(pair.host);
  const theirs = masquerade(["10.2.0.0/24"], []);
  const raced = interfere(socket, 1, () => ensureMasquerade(rival, theirs));
  assertEquals(ensureMasquerade(raced, masquerade(["10.1.0.0/24"], [])), "changed");
  assertEquals(await elements(pair.host, "masquerade4"), "10.1.0.0/24, 10.2.0.0/24");
  assertEquals(await countRules(pair.host), [1, 0]);
  removeTable(socket);
  const same = interfere(socket, 1, () => ensureMasquerade(rival, WANT));
  assertEquals(ensureMasquerade(same, WANT), "present");
  assertEquals(await countRules(pair.host), [1, 1]);
  removeTable(socket);
});

netnsTest("ensureMasquerade: gives up when every attempt is disturbed", async (pair) => {
  using socket = openSocket(pair.host);
  using rival = openSocket(pair.host);
  ensureMasquerade(rival, masquerade(["10.2.0.0/24"], []));
  let writes = 0;
  const raced = interfere(socket, Infinity, () => {
    ensureMasquerade(rival, masquerade([`10.3.0.${writes++}/32`], []));
  });
  const error = assertThrows(() => ensureMasquerade(raced, WANT), KernelError);
  assertEquals([error.errno, error.reason, writes], [85, "firewall-failure", 100]);
  assertEquals(await countRules(pair.host), [1, 0]);
  removeTable(socket);
});

netnsTest("ensureMasquerade: 20 processes on an empty namespace", async (pair) => {
  const script = new URL("ensure_masquerade.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "-A", script];
  const prefixes = Array.from({ length: 20 }, (_, i) => `10.1.${i * 2}.0/24`);
  const answers = await Promise.all(
    prefixes.map((prefix) => pair.host.run(...deno, prefix, "fd00:1::/64")),
  );
  assertEquals(answers, prefixes.map(() => "changed\n"));
  assertEquals(await countRules(pair.host), [1, 1]);
  assertEquals(await elements(pair.host, "masquerade4"), prefixes.join(", "));
  assertEquals(await elements(pair.host, "masquerade6"), "fd00:1::/64");
  await pair.host.run("nft", "delete", "table", "inet", "headcni");
});

netnsTest("ensureMasquerade: a refusal leaves all as it was and says what", async (pair) => {
  using socket = openSocket(pair.host);
  const cases: [obstacle: string, call: string, details: string][] = [
    [
      "add set inet headcni masquerade4 { type ipv4_addr; }", // no interval set
      "NFT_MSG_NEWSETELEM",
      "add element inet headcni masquerade4 { 10.1.0.0/24 }",
    ],
    [
      "add chain inet headcni postrouting", // no base chain
      "NFT_MSG_NEWCHAIN",
      "add chain inet headcni postrouting " +
      "{ type nat hook postrouting priority 100; policy accept; }",
    ],
  ];
  for (const [obstacle, call, details] of cases) {
    await pair.host.run("nft", `add table inet headcni; ${obstacle}`);
    const before = await ruleset(pair.host);
    const error = assertThrows(() => ensureMasquerade(socket, WANT), KernelError);
    const text = `Cannot write table "inet headcni": ${call}: ${errnoText(error.errno)}`;
    assertStringIncludes(error.message, text);
    assertEquals([error.reason, error.call, error.details], ["firewall-failure", call, details]);
    assertEquals(await ruleset(pair.host), before);
    removeTable(socket);
  }
});

netnsTest("missingMasquerade: tells what is missing", async (pair) => {
  using socket = openSocket(pair.host);
  ensureMasquerade(socket, WANT);
  await pair.host.run("nft", "flush set inet headcni masquerade6");
  assertEquals(missingMasquerade(socket, WANT), [
    "add table inet headcni",
    "add element inet headcni masquerade6 { fd00:1::/64 }",
  ]);
  removeTable(socket);
});

/** Somebody who acts just before each of the first `times` transactions. */
function interfere(socket: NetlinkSocket, times: number, act: () => void): NftSocket {
  let left = times;
  return {
    request: (request, call, doing) => socket.request(request, call, doing),
    requestBatch(requests, doing) {
      if (left-- > 0) act();
      return socket.requestBatch(requests, doing);
    },
  };
}

function masquerade(sources: readonly string[], exempt: readonly string[]): Masquerade {
  return { sources: sources.map(parsePrefix), exempt: exempt.map(parsePrefix) };
}

function openSocket(netns: TestNetns): NetlinkSocket {
  return netns.do(() => NetlinkSocket.open(NETLINK_NETFILTER));
}

/** How many transactions the namespace has seen. */
function generation(socket: NetlinkSocket): number {
  const { call, flags, attributes } = queryGeneration();
  return parseGeneration(socket.request(nftRequest(call, flags, attributes), call, "count"));
}

/** The ruleset as nft(8) sees it, an object a line, without handles. */
async function ruleset(netns: TestNetns): Promise<string[]> {
  const { nftables } = JSON.parse(await netns.run("nft", "-j", "list", "ruleset"));
  return Array.from(
    nftables,
    (object) => JSON.stringify(object, (key, value) => key === "handle" ? undefined : value),
  );
}

/** The elements of one of our sets, in ascending order. */
async function elements(netns: TestNetns, set: string): Promise<string> {
  const listing = words(await netns.run("nft", "list", "set", "inet", "headcni", set));
  return listing.replace(/^.* elements = \{ (.*?) \}.*$/, "$1");
}

/** How many rules there are that masquerade IPv4, and IPv6. */
async function countRules(netns: TestNetns): Promise<[number, number]> {
  const listing = await netns.run("nft", "list", "ruleset");
  return [listing.split(RULE4).length - 1, listing.split(RULE6).length - 1];
}

/** Puts the handles of our rules into a command. */
async function withHandles(netns: TestNetns, command: string): Promise<string> {
  const listing = await netns.run("nft", "-a", "list", "ruleset");
  const handle = (family: number) =>
    listing.match(`comment "headcni: masquerade pods, IPv${family}" # handle ([0-9]+)`)?.[1] ?? "";
  return command.replace("RULE4", handle(4)).replace("RULE6", handle(6));
}

/** A text with its white space made equal. */
function words(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ");
}
