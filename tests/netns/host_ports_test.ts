/** Host ports in nf_tables, with nft(8) as witness. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError, KernelError } from "../../lib/errors.ts";
import {
  ensureHostPorts,
  findHostPorts,
  listHostPorts,
  missingHostPorts,
  removeHostPorts,
  removeHostPortsInBackground,
} from "../../lib/linux/host_ports.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import { ensureMasquerade, type NftSocket, removeTable } from "../../lib/linux/nft.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { formatHostPort, type HostPort, type HostPortOwner } from "../../lib/net/host_port.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { MAX_HOST_PORTS } from "../../lib/store/ports.ts";
import { netnsTest, type TestNetns } from "./namespace.ts";

const OWNER: HostPortOwner = {
  link: "veth0000000000a",
  networks: ["10.1.0.0/24", "fd00:1::/64"].map(parsePrefix),
};
const OTHER: HostPortOwner = { ...OWNER, link: "veth0000000000b" };
const PORTS = [
  port("tcp", 8080, undefined, "10.1.0.5", 80),
  port("tcp", 8080, undefined, "fd00:1::5", 80),
  port("udp", 53, "192.0.2.1", "10.1.0.5", 5353),
  port("sctp", 9, "2001:db8::1", "fd00:1::5", 9),
];

netnsTest("ensureHostPorts: makes what nft(8) makes of the same commands", async (pair) => {
  using socket = openSocket(pair.host);
  const commands = missingHostPorts(socket, PORTS, OWNER);
  ensureHostPorts(socket, PORTS, OWNER);
  await pair.pod.run("nft", commands.join("; "));
  assertEquals(await ruleset(pair.host), await ruleset(pair.pod));
  assertEquals(missingHostPorts(socket, PORTS, OWNER), []);
  removeTable(socket);
  await pair.pod.run("nft", "delete", "table", "inet", "headcni");
});

netnsTest("ensureHostPorts: an empty list asks and sends nothing", (pair) => {
  using socket = openSocket(pair.host);
  const counted = count(socket);
  ensureHostPorts(counted.socket, [], OWNER);
  removeHostPorts(counted.socket, [], OWNER.link);
  assertEquals(missingHostPorts(counted.socket, [], OWNER), []);
  assertEquals(counted.seen(), { requests: 0, bytes: 0 });
});

netnsTest("ensureHostPorts: a repeat changes nothing", async (pair) => {
  using socket = openSocket(pair.host);
  ensureHostPorts(socket, PORTS, OWNER);
  const before = await pair.host.run("nft", "-a", "-j", "list", "ruleset");
  ensureHostPorts(socket, PORTS, OWNER);
  assertEquals(await pair.host.run("nft", "-a", "-j", "list", "ruleset"), before);
  removeTable(socket);
});

netnsTest("ensureHostPorts: lives in one table with masquerade", (pair) => {
  using socket = openSocket(pair.host);
  const want = { sources: OWNER.networks, exempt: [] };
  ensureHostPorts(socket, PORTS, OWNER);
  assertEquals(ensureMasquerade(socket, want), "changed");
  assertEquals(ensureMasquerade(socket, want), "present");
  assertEquals(missingHostPorts(socket, PORTS, OWNER), []);
  removeTable(socket);
});

netnsTest(
  "ensureHostPorts: a port that leads elsewhere is refused, its owner named",
  async (pair) => {
    using socket = openSocket(pair.host);
    ensureHostPorts(socket, PORTS, OWNER);
    const before = await ruleset(pair.host);
    const free = port("tcp", 81, undefined, "10.1.0.6", 80);
    const cases = PORTS.map((each) => ({ ...each, targetPort: each.targetPort + 1 }));
    for (const [i, other] of cases.entries()) {
      const error = assertThrows(() => ensureHostPorts(socket, [free, other], OTHER), ConfigError);
      assertEquals(error.reason, "port-taken");
      const has = `link "${OWNER.link}" has "${formatHostPort(PORTS[i] ?? other)}"`;
      const text = `"${formatHostPort(other)}": ${has}`;
      assertStringIncludes(error.message, text);
      assertEquals(missingHostPorts(socket, [free, other], OTHER).slice(-1), [text]);
    }
    assertEquals(await ruleset(pair.host), before);
    await pair.host.run(
      "nft",
      "add element inet headcni hostports4 { udp . 7 : 10.1.0.9 . 7 }",
    );
    const error = assertThrows(
      () => ensureHostPorts(socket, [port("udp", 7, undefined, "10.1.0.5", 7)], OWNER),
      ConfigError,
    );
    assertStringIncludes(error.message, 'somebody else has "udp 7 -> 10.1.0.9:7"');
    assertEquals(listHostPorts(socket).filter(({ link }) => link === OWNER.link).length, 4);
    removeTable(socket);
  },
);

netnsTest("ensureHostPorts: an address that was another's is not his any more", (pair) => {
  using socket = openSocket(pair.host);
  ensureHostPorts(socket, PORTS, OWNER);
  const owned = (link: string) => PORTS.map((each) => ({ port: each, link }));
  assertEquals(findHostPorts(socket, PORTS), owned(OWNER.link));
  ensureHostPorts(socket, PORTS, OTHER);
  assertEquals(findHostPorts(socket, PORTS), owned(OTHER.link));
  assertEquals(findHostPorts(socket, [port("tcp", 1, undefined, "10.1.0.5", 1)]), []);
  assertEquals(listHostPorts(socket).map(({ link }) => link), PORTS.map(() => OTHER.link));
  removeTable(socket);
});

netnsTest("ensureHostPorts: repairs whatever was taken away or changed", async (pair) => {
  using socket = openSocket(pair.host);
  ensureHostPorts(socket, PORTS, OWNER);
  const whole = (await ruleset(pair.host)).toSorted();
  const rule = "ip saddr @hairpin4 dnat ip to meta l4proto . th dport map @hostports4 comment " +
    '"headcni: host ports of any address, IPv4, to be masqueraded"';
  for (
    const damage of [
      "flush map inet headcni hostports4",
      "delete element inet headcni hostipports6 { 2001:db8::1 . sctp . 9 }",
      "flush set inet headcni hairpin4",
      "flush chain inet headcni loopback",
      "flush chain inet headcni output; delete chain inet headcni output",
      `flush chain inet headcni prerouting; add rule inet headcni prerouting ${rule}`,
      "flush chain inet headcni prerouting; flush chain inet headcni output; " +
      "delete map inet headcni hostports6",
      "flush ruleset",
    ]
  ) {
    await pair.host.run("nft", damage);
    const missing = missingHostPorts(socket, PORTS, OWNER);
    assertEquals(missing.length > 0, true, damage);
    ensureHostPorts(socket, PORTS, OWNER);
    assertEquals((await ruleset(pair.host)).toSorted(), whole, damage);
    assertEquals(missingHostPorts(socket, PORTS, OWNER), [], damage);
  }
  removeTable(socket);
});

netnsTest("ensureHostPorts: reads again when somebody wrote in between", (pair) => {
  using socket = openSocket(pair.host);
  using rival = openSocket(pair.host);
  const theirs = [port("tcp", 81, undefined, "10.1.0.6", 80)];
  ensureHostPorts(interfere(socket, () => ensureHostPorts(rival, theirs, OTHER)), PORTS, OWNER);
  assertEquals(listHostPorts(socket).length, PORTS.length + 1);
  assertEquals(missingHostPorts(socket, PORTS, OWNER), []);
  const same = [port("tcp", 82, undefined, "10.1.0.6", 80)];
  ensureHostPorts(interfere(socket, () => ensureHostPorts(rival, same, OTHER)), same, OTHER);
  const mine = [port("tcp", 83, undefined, "10.1.0.5", 80)];
  const other = [port("tcp", 83, undefined, "10.1.0.6", 80)];
  const raced = interfere(socket, () => ensureHostPorts(rival, other, OTHER));
  assertThrows(() => ensureHostPorts(raced, mine, OWNER), ConfigError, "10.1.0.6:80");
  const flushed = interfere(socket, () => removeTable(rival));
  ensureHostPorts(flushed, PORTS, OWNER);
  assertEquals(missingHostPorts(socket, PORTS, OWNER), []);
  removeTable(socket);
});

netnsTest("ensureHostPorts: 12 processes on an empty namespace", async (pair) => {
  const script = new URL("ensure_host_port.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "-A", script];
  const pods = Array.from({ length: 12 }, (_, i) => i + 2);
  const call = (port: number, pod: number) => pair.host.run(...deno, `${port}`, `${pod}`);
  // Each its own port, then each the port that all want.
  const own = await Promise.all(pods.map((pod) => call(8000 + pod, pod)));
  assertEquals(own, pods.map(() => "mapped\n"));
  const shared = await Promise.all(pods.map((pod) => call(80, pod)));
  assertEquals(shared.toSorted(), ["mapped\n", ...pods.slice(1).map(() => "port-taken\n")]);
  using socket = openSocket(pair.host);
  assertEquals(listHostPorts(socket).length, pods.length + 1);
  const rules = (await ruleset(pair.host)).filter((line) => line.startsWith('{"rule"'));
  assertEquals([rules.length, new Set(rules).size], [11, 11]);
  removeTable(socket);
});

netnsTest("removeHostPorts: takes away what is the owner's, and only that", async (pair) => {
  using socket = openSocket(pair.host);
  using background = openSocket(pair.host);
  removeHostPorts(socket, PORTS, OWNER.link); // no table
  const theirs = [port("tcp", 81, undefined, "10.1.0.6", 80)];
  ensureHostPorts(socket, theirs, OTHER);
  const before = await ruleset(pair.host);
  const removals = [
    () => removeHostPorts(socket, [...PORTS, ...theirs], OWNER.link),
    () => removeHostPortsInBackground(background, [...PORTS, ...theirs], OWNER.link),
  ];
  for (const remove of removals) {
    ensureHostPorts(socket, PORTS, OWNER);
    await remove();
    await remove(); // absent ones are no fault
    assertEquals(listHostPorts(socket), theirs.map((each) => ({ port: each, link: OTHER.link })));
  }
  const isPart6 = (line: string) => /hostip|6"|IPv6/.test(line);
  assertEquals(
    (await ruleset(pair.host)).filter((line) => !isPart6(line)).toSorted(),
    before
      .filter((line) => !isPart6(line)).toSorted(),
  );
  removeTable(socket);
});

netnsTest("removeHostPorts: is content when somebody else was faster", async (pair) => {
  using socket = openSocket(pair.host);
  using rival = openSocket(pair.host);
  ensureHostPorts(socket, PORTS, OWNER);
  const raced = interfere(socket, () => removeHostPorts(rival, PORTS.slice(0, 2), OWNER.link));
  removeHostPorts(raced, PORTS, OWNER.link);
  assertEquals(listHostPorts(socket), []);
  await assertRejects(
    () => {
      const deaf = {
        request: socket.request.bind(socket),
        requestBatchInBackground: () => Promise.reject(new KernelError("send", 0, "Cannot send")),
      };
      ensureHostPorts(socket, PORTS, OWNER);
      return removeHostPortsInBackground(deaf, PORTS, OWNER.link);
    },
    KernelError,
    "Cannot send",
  );
  removeTable(socket);
});

netnsTest("host ports: as many as one attachment may have, all or none", async (pair) => {
  using socket = openSocket(pair.host);
  using background = openSocket(pair.host);
  const many = Array.from(
    { length: MAX_HOST_PORTS },
    (_, i) =>
      i % 2
        ? port("tcp", 30_000 + i, undefined, "fd00:1::5", 30_000 + i)
        : port("udp", 30_000 + i, "192.0.2.1", "10.1.0.5", 30_000 + i),
  );
  ensureHostPorts(socket, PORTS, OWNER); // the table
  const before = await ruleset(pair.host);
  const last = many.slice(-1);
  const raced = interfere(socket, () => ensureHostPorts(background, last, OTHER));
  const elsewhere = many.map((each) => ({ ...each, targetPort: 1 }));
  assertThrows(() => ensureHostPorts(raced, elsewhere, OWNER), ConfigError, "Cannot map");
  assertEquals(listHostPorts(socket).length, PORTS.length + 1);
  removeHostPorts(socket, last, OTHER.link);
  // The kernel refuses each of them, and says so.
  ensureHostPorts(interfere(socket, () => removeTable(background)), many, OWNER);
  assertEquals(missingHostPorts(socket, many, OWNER), []);
  removeTable(socket);
  ensureHostPorts(socket, PORTS, OWNER);

  for (
    const remove of [
      () => removeHostPorts(socket, many, OWNER.link),
      () => removeHostPortsInBackground(background, many, OWNER.link),
    ]
  ) {
    ensureHostPorts(socket, many, OWNER);
    assertEquals(missingHostPorts(socket, many, OWNER), []);
    assertEquals(listHostPorts(socket).length, PORTS.length + many.length);
    await remove();
    assertEquals(missingHostPorts(socket, PORTS, OWNER), []);
    assertEquals((await ruleset(pair.host)).toSorted(), before.toSorted());
  }
  removeTable(socket);
});

netnsTest("host ports: a pod costs the same at 0 and at 10,000 of them", async (pair) => {
  using socket = openSocket(pair.host);
  ensureHostPorts(socket, [port("tcp", 1, undefined, "10.1.0.9", 1)], OTHER);
  const live = () => {
    const counted = count(socket);
    ensureHostPorts(counted.socket, PORTS, OWNER);
    const added = counted.seen();
    assertEquals(missingHostPorts(counted.socket, PORTS, OWNER), []);
    const checked = counted.seen();
    removeHostPorts(counted.socket, PORTS, OWNER.link);
    return [added, checked, counted.seen()];
  };
  live(); // the part of IPv6
  const few = live();
  await fill(pair.host, 10_000);
  assertEquals(live(), few);
  assertEquals(listHostPorts(socket).length, 10_001);
  const listing = JSON.parse(await pair.host.run("nft", "-j", "list", "ruleset"));
  const map = listing.nftables.find((each: { map?: { name: string } }) =>
    each.map?.name === "hostports4"
  );
  assertEquals(map.map.elem.length, 10_001);
  removeTable(socket);
});

function port(
  protocol: HostPort["protocol"],
  hostPort: number,
  hostIp: string | undefined,
  target: string,
  targetPort: number,
): HostPort {
  return {
    protocol,
    hostPort,
    hostIp: hostIp === undefined ? undefined : parseAddress(hostIp),
    target: parseAddress(target),
    targetPort,
  };
}

function openSocket(netns: TestNetns): NetlinkSocket {
  return netns.do(() => NetlinkSocket.open(NETLINK_NETFILTER));
}

/** The ruleset as nft(8) sees it, an object a line, without handles. */
async function ruleset(netns: TestNetns): Promise<string[]> {
  const { nftables } = JSON.parse(await netns.run("nft", "-j", "list", "ruleset"));
  return Array.from(
    nftables,
    (object) => JSON.stringify(object, (key, value) => key === "handle" ? undefined : value),
  );
}

/** So many ports of others. */
async function fill(netns: TestNetns, amount: number): Promise<void> {
  const elements = Array.from(
    { length: amount },
    (_, i) => `udp . ${i + 1} comment "veth${i}" : 10.1.${i >> 8}.${i & 255} . 80`,
  );
  const file = await Deno.makeTempFile();
  try {
    const command = `add element inet headcni hostports4 { ${elements.join(", ")} }`;
    await Deno.writeTextFile(file, command);
    await netns.run("nft", "-f", file);
  } finally {
    await Deno.remove(file);
  }
}

/** A socket that counts what is sent, and the bytes of what is answered. */
function count(socket: NetlinkSocket) {
  let [requests, bytes] = [0, 0];
  const counting: NftSocket = {
    request(request, call, doing, harmless) {
      requests += 1;
      const answer = socket.request(request, call, doing, harmless);
      bytes += answer.reduce((sum, { body }) => sum + body.length, 0);
      return answer;
    },
    requestBatch(batch, doing) {
      requests += batch.length;
      return socket.requestBatch(batch, doing);
    },
  };
  return { socket: counting, seen: () => ({ requests, bytes }) };
}

/** Somebody who acts just before the first transaction. */
function interfere(socket: NetlinkSocket, act: () => void): NftSocket {
  let isFirst = true;
  return {
    request: socket.request.bind(socket),
    requestBatch(requests, doing) {
      if (isFirst) act();
      isFirst = false;
      return socket.requestBatch(requests, doing);
    },
  };
}
