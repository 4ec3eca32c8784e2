/** Steps about links, with ip(8) as witness. */
import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../lib/errors.ts";
import type { Place, Step, StepOf } from "../../lib/host/step.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { HEADCNI_LINK_GROUP } from "../../lib/net/link.ts";
import { macFromAddress } from "../../lib/net/mac.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { netnsTest, type TestNetns } from "./namespace.ts";
import { ADD_VETH, REMOVE_VETH, TestNode } from "./node.ts";

const MAC = macFromAddress(parseAddress("10.9.0.2"));
const MAC_TEXT = "0a:58:0a:09:00:02";

netnsTest("add-bridge: makes a bridge that is up, leaves one that is there", async (pair) => {
  using node = new TestNode(pair);
  node.apply({ kind: "add-bridge", name: "br0", mtuBytes: 1400, mac: MAC });
  const before = await pair.host.snapshot();
  node.apply({ kind: "add-bridge", name: "br0", mtuBytes: 1300 });
  assertEquals(await pair.host.snapshot(), before);
  const link = await showLink(pair.host, "br0");
  assertEquals([link.mtu, link.address, hasFlag(link, "UP")], [1400, MAC_TEXT, true]);
  const own = node.ask((host) => host.findLink("host", "br0"));
  assertEquals([own?.linkKind, own?.up, own?.mtuBytes, own?.mac], ["bridge", true, 1400, MAC]);
  node.apply({ kind: "remove-link", place: "host", name: "br0" });
});

netnsTest("add-bridge: refuses a name that another kind of link has", async (pair) => {
  using node = new TestNode(pair);
  await pair.host.run("ip", "link", "add", "br0", "type", "ifb");
  const error = assertThrows(() => node.apply({ kind: "add-bridge", name: "br0" }), KernelError);
  assertEquals([error.call, error.errno], ["RTM_NEWLINK", 17]);
  assertEquals(
    error.message,
    'Cannot apply "ip link add name br0 up type bridge": RTM_NEWLINK: EEXIST (File exists)',
  );
  node.apply({ kind: "remove-link", place: "host", name: "br0" });
});

netnsTest("add-veth: makes one end here and one in the pod", async (pair) => {
  using node = new TestNode(pair);
  const alias = "x".repeat(255);
  const peer = { name: "eth0", mac: MAC };
  node.apply({ kind: "add-veth", name: "veth0", mtuBytes: 1380, alias, peer });
  const outer = await showLink(pair.host, "veth0");
  const inner = await showLink(pair.pod, "eth0");
  assertEquals([outer.mtu, outer.ifalias, hasFlag(outer, "UP")], [1380, alias, false]);
  assertEquals([inner.mtu, inner.address, hasFlag(inner, "UP")], [1380, MAC_TEXT, false]);
  assertEquals([outer.link_index, inner.link_index], [inner.ifindex, outer.ifindex]);
  const own = node.ask((host) => host.findLink("host", "veth0"));
  assertEquals([own?.alias, own?.linkKind, own?.group], [alias, "veth", HEADCNI_LINK_GROUP]);
  assertEquals(own?.peerIndex, node.ask((host) => host.findLink("pod", "eth0"))?.index);
  node.apply(REMOVE_VETH);
});

netnsTest("add-veth: a name that is taken on either side leaves nothing behind", async (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH);
  const before = [await pair.host.snapshot(), await pair.pod.snapshot()];
  for (const [name, peerName] of [["veth0", "eth1"], ["veth1", "eth0"]] as const) {
    const peer = { name: peerName };
    const step: Step = { kind: "add-veth", name, mtuBytes: 1380, alias: "other", peer };
    const error = assertThrows(() => node.apply(step), KernelError);
    assertEquals([error.call, error.errno], ["RTM_NEWLINK", 17]);
  }
  assertEquals([await pair.host.snapshot(), await pair.pod.snapshot()], before);
  node.apply(REMOVE_VETH);
});

netnsTest("add-veth: an alias that the kernel refuses leaves nothing behind", (pair) => {
  using node = new TestNode(pair);
  const alias = "x".repeat(300);
  const error = assertThrows(
    () =>
      node.apply({
        kind: "add-veth",
        name: "veth0",
        mtuBytes: 1380,
        alias,
        peer: { name: "eth0" },
      }),
    KernelError,
  );
  assertEquals(error.call, "RTM_SETLINK");
});

netnsTest("set-link: changes what is given and nothing else", async (pair) => {
  using node = new TestNode(pair);
  node.apply({ kind: "add-bridge", name: "br0" }, ...ADD_VETH);
  const changes: [StepOf<"set-link">, Record<string, unknown>][] = [
    [{ kind: "set-link", place: "host", name: "veth0", master: "br0" }, { master: "br0" }],
    [{ kind: "set-link", place: "host", name: "veth0", alias: "new" }, { ifalias: "new" }],
    [{ kind: "set-link", place: "host", name: "veth0", mtuBytes: 1300 }, { mtu: 1300 }],
    [{ kind: "set-link", place: "host", name: "veth0", promiscuous: true }, { promiscuity: 2 }],
    [{ kind: "set-link", place: "host", name: "veth0", promiscuous: false }, { promiscuity: 1 }],
    [{ kind: "set-link", place: "host", name: "veth0", up: false }, {
      flags: ["BROADCAST", "MULTICAST"],
    }],
    [{ kind: "set-link", place: "pod", name: "eth0", mac: MAC }, { address: MAC_TEXT }],
    [{ kind: "set-link", place: "pod", name: "eth0", up: false }, {
      flags: ["BROADCAST", "MULTICAST"],
    }],
  ];
  const expected: Record<Place, Record<string, unknown>> = { host: {}, pod: {} };
  for (const [step, change] of changes) {
    Object.assign(expected[step.place], change);
    for (const _repeat of ["first", "again"]) {
      node.apply(step);
      const seen = {
        host: await showLink(pair.host, "veth0"),
        pod: await showLink(pair.pod, "eth0"),
      };
      assertEquals(pick(seen.host, expected.host), expected.host);
      assertEquals(pick(seen.pod, expected.pod), expected.pod);
    }
  }
  node.apply(REMOVE_VETH, { kind: "remove-link", place: "host", name: "br0" });
});

netnsTest("set-link: names the link, or the bridge, that is not there", (pair) => {
  using node = new TestNode(pair);
  const error = assertThrows(
    () => node.apply({ kind: "set-link", place: "host", name: "veth9", up: true }),
    KernelError,
  );
  assertEquals(
    [error.errno, error.message],
    [19, 'Cannot apply "ip link set dev veth9 up": RTM_SETLINK: ENODEV (No such device)'],
  );
  const noBridge = assertThrows(
    () => node.apply({ kind: "set-link", place: "host", name: "lo", master: "br9" }),
    KernelError,
  );
  assertEquals(
    [noBridge.errno, noBridge.message],
    [19, 'Cannot apply "ip link set dev lo master br9": there is no link "br9"'],
  );
});

netnsTest(
  "set-bridge-port: sets hairpin and isolation, refuses a link that is no port",
  async (pair) => {
    using node = new TestNode(pair);
    node.apply({ kind: "add-bridge", name: "br0" }, ...ADD_VETH);
    const set = (hairpin: boolean, isolated: boolean) =>
      node.apply({ kind: "set-bridge-port", name: "veth0", hairpin, isolated });
    const error = assertThrows(() => set(true, false), KernelError);
    assertEquals([error.call, error.errno], ["RTM_SETLINK", 95]);
    node.apply({ kind: "set-link", place: "host", name: "veth0", master: "br0" });
    for (const [hairpin, isolated] of [[true, false], [false, true], [false, false]] as const) {
      set(hairpin, isolated);
      const [seen] = JSON.parse(
        await pair.host.run("bridge", "-j", "-d", "link", "show", "dev", "veth0"),
      );
      assertEquals([seen.hairpin, seen.isolated], [hairpin, isolated]);
      const own = node.ask((host) => host.findLink("host", "veth0"));
      assertEquals(own?.port, { hairpin, isolated });
    }
    node.apply(REMOVE_VETH, { kind: "remove-link", place: "host", name: "br0" });
  },
);

netnsTest("remove-link: takes both ends of a veth, and an absent link is no fault", (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH);
  node.apply({ kind: "remove-link", place: "pod", name: "eth0" });
  assertEquals(node.ask((host) => host.findLink("host", "veth0")), undefined);
  node.apply(REMOVE_VETH, { kind: "remove-link", place: "pod", name: "eth0" });
});

netnsTest("remove-link: links made anew under the same names are found", (pair) => {
  using node = new TestNode(pair);
  const address = parsePrefix("10.9.0.2/24");
  for (const _round of ["first", "again"]) {
    node.apply(
      ...ADD_VETH,
      { kind: "add-address", place: "host", link: "veth0", address },
      { kind: "add-address", place: "pod", link: "eth0", address },
      REMOVE_VETH,
    );
  }
});

async function showLink(netns: TestNetns, name: string): Promise<Record<string, unknown>> {
  const [link] = await netns.ip("link", "show", name);
  return link ?? {};
}

/** The fields of a link that are expected to have a value. */
function pick(link: Record<string, unknown>, expected: Record<string, unknown>): unknown {
  return Object.fromEntries(Object.keys(expected).map((field) => [field, link[field]]));
}

function hasFlag(link: Record<string, unknown>, flag: string): boolean {
  return Array.isArray(link.flags) && link.flags.includes(flag);
}
