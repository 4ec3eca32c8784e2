/** What a host knows and does beside links, addresses and routes; and the care for namespaces. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../lib/errors.ts";
import type { Place, Step } from "../../lib/host/step.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { netnsTest, type TestNetns, threadsIn } from "./namespace.ts";
import { ADD_VETH, REMOVE_VETH, TestNode } from "./node.ts";

const LINK_PAIRS = 150;

netnsTest("listLinks: is complete with hundreds of links, while others come and go", async ({
  host,
  pod,
}) => {
  using node = new TestNode({ host, pod });
  const numbers = Array.from({ length: LINK_PAIRS }, (_, number) => number);
  await batch(
    host,
    numbers.map((n) => `link add a${n} group 77 type veth peer name b${n} group 77`),
  );
  const names = ["lo", ...numbers.map((n) => `a${n}`), ...numbers.map((n) => `b${n}`)].toSorted();
  const list = () =>
    node.ask((own) => own.listLinks("host")).map(({ name }) => name)
      .filter((name) => !name.startsWith("passing"));
  assertEquals(list().toSorted(), names);
  let passing = true;
  const traffic = batch(
    host,
    numbers.flatMap(() => ["link add passing type ifb", "link delete passing"]),
  )
    .finally(() => passing = false);
  let lists = 0;
  while (passing) {
    assertEquals(list().toSorted(), names);
    lists++;
    await host.run("true"); // lets the other process end
  }
  await traffic;
  assert(lists > 0);
  await host.run("ip", "link", "delete", "group", "77");
});

netnsTest(
  "findLink: a link that somebody else removed and made anew is another one",
  async (pair) => {
    using node = new TestNode(pair);
    const make = () => pair.host.run("ip", "link", "add", "again", "type", "ifb");
    const find = () => node.ask((host) => host.findLink("host", "again"));
    await make();
    assert(find());
    await pair.host.run("ip", "link", "delete", "again");
    assertEquals(find(), undefined);
    await make();
    const address = parsePrefix("10.9.0.1/24");
    node.apply({ kind: "add-address", place: "host", link: "again", address });
    const index = find()?.index;
    assertEquals(node.ask((host) => host.listAddresses("host", index)).length, 1);
    await pair.host.run("ip", "link", "delete", "again");
  },
);

netnsTest("hasPorts: tells a bridge with ports from one without", (pair) => {
  using node = new TestNode(pair);
  node.apply({ kind: "add-bridge", name: "br0" }, { kind: "add-bridge", name: "br1" }, ...ADD_VETH);
  node.apply({ kind: "set-link", place: "host", name: "veth0", master: "br1" });
  const hasPorts = (name: string) =>
    node.ask((host) => host.hasPorts(host.findLink("host", name)?.index ?? 0));
  assertEquals([hasPorts("br0"), hasPorts("br1")], [false, true]);
  node.apply(REMOVE_VETH);
  assertEquals(hasPorts("br1"), false);
  for (const name of ["br0", "br1"]) node.apply({ kind: "remove-link", place: "host", name });
});

netnsTest("uplinkMtuBytes: the smaller MTU of the links that lead outside", (pair) => {
  using node = new TestNode(pair);
  const uplink = () => node.ask((host) => host.uplinkMtuBytes());
  const bridges = [["br4", 1400, "10.9.0.1/24", "0.0.0.0/0"], ["br6", 1300, "fd09::1/64", "::/0"]];
  assertEquals(uplink(), undefined);
  const seen: (number | undefined)[] = [];
  for (const [name, mtuBytes, address, destination] of bridges) {
    const link = String(name);
    node.apply(
      { kind: "add-bridge", name: link, mtuBytes: Number(mtuBytes) },
      { kind: "add-address", place: "host", link, address: parsePrefix(String(address)) },
      {
        kind: "add-route",
        place: "host",
        route: { destination: parsePrefix(String(destination)), link },
      },
    );
    seen.push(uplink());
  }
  assertEquals(seen, [1400, 1300]);
  for (const name of ["br4", "br6"]) node.apply({ kind: "remove-link", place: "host", name });
});

netnsTest("uplinkMtuBytes: a default route that refuses is no way out", async (pair) => {
  using node = new TestNode(pair);
  for (const kind of ["unreachable", "prohibit", "blackhole", "throw"]) {
    for (const family of ["-4", "-6"]) {
      await pair.host.run("ip", family, "route", "add", kind, "default");
      assertEquals(node.ask((host) => host.uplinkMtuBytes()), undefined, `${kind} ${family}`);
      await pair.host.run("ip", family, "route", "delete", kind, "default");
    }
  }
});

const FORWARDING = ["net", "ipv4", "ip_forward"];

for (const place of ["host", "pod"] as const) {
  netnsTest(`set-sysctl: writes in the ${place} and nowhere else`, async (pair) => {
    using node = new TestNode(pair);
    const outside = Deno.readTextFileSync(`/proc/sys/${FORWARDING.join("/")}`);
    const read = (at: Place) => node.ask((host) => host.readSysctl(at, FORWARDING));
    const own = read(place);
    const other: Place = place === "host" ? "pod" : "host";
    const others = read(other);
    const value = own === "0" ? "1" : "0";
    const write: Step = { kind: "set-sysctl", place, path: FORWARDING, value };
    node.apply(write, write);
    assertEquals(await catSysctl(pair[place], FORWARDING), value);
    assertEquals([read(place), read(other)], [value, others]);
    assertEquals(Deno.readTextFileSync(`/proc/sys/${FORWARDING.join("/")}`), outside);
    node.apply({ ...write, value: own ?? "" });
  }, [FORWARDING.join("/")]);
}

netnsTest("set-sysctl: takes a link whose name has a dot", async (pair) => {
  using node = new TestNode(pair);
  node.apply({ kind: "add-bridge", name: "br.5" });
  const path = ["net", "ipv4", "conf", "br.5", "arp_notify"];
  node.apply({ kind: "set-sysctl", place: "host", path, value: "1" });
  assertEquals(await catSysctl(pair.host, path), "1");
  node.apply({ kind: "remove-link", place: "host", name: "br.5" });
});

netnsTest("set-sysctl: an absent one is a fault unless it is optional", (pair) => {
  using node = new TestNode(pair);
  const path = ["net", "ipv4", "conf", "gone0", "arp_notify"];
  const step: Step = { kind: "set-sysctl", place: "pod", path, value: "1" };
  node.apply({ ...step, optional: true });
  const absent = assertThrows(() => node.apply(step), KernelError);
  assertEquals([absent.call, absent.errno], ["write", 2]);
  const refused = assertThrows(
    () => node.apply({ ...step, path: FORWARDING, value: "many", optional: true }),
    KernelError,
  );
  assertEquals([refused.call, refused.errno], ["write", 22]);
  assertEquals(node.ask((host) => host.readSysctl("pod", path)), undefined);
});

netnsTest(
  "removeLinksInBackground: removes a link, and an absent one is no fault",
  async (pair) => {
    using node = new TestNode(pair);
    node.apply(...ADD_VETH);
    const script = new URL("remove_in_background.ts", import.meta.url).pathname;
    const printed = await pair.host.run(Deno.execPath(), "run", "-A", script, "veth0");
    assertEquals(JSON.parse(printed), { names: ["lo"], stray: 0 });
  },
);

netnsTest("inNetns: leaves no thread behind, whatever is under way", async (pair) => {
  const { path } = pair.pod;
  assert(pair.pod.do(() => threadsIn(path).length) > 0, "the census sees threads in the pod");
  const reads: Promise<unknown>[] = [];
  for (let round = 0; round < 100; round++) {
    reads.push(Deno.readFile("/proc/self/stat"), Deno.stat("/proc/self"));
    using node = new TestNode(pair);
    node.apply({ kind: "set-sysctl", place: "pod", path: FORWARDING, value: String(round % 2) });
    if (round % 10 === 0) await Promise.all(reads.splice(0));
  }
  await Promise.all(reads);
  assertEquals(threadsIn(path), []);
}, []);

netnsTest("inNetns: comes back when the work throws", (pair) => {
  const own = Deno.readLinkSync("/proc/thread-self/ns/net");
  const error = assertThrows(() => {
    pair.pod.do(() => {
      throw new Error(Deno.readLinkSync("/proc/thread-self/ns/net"));
    });
  }, Error);
  assert(error.message.startsWith("net:") && error.message !== own);
  assertEquals(Deno.readLinkSync("/proc/thread-self/ns/net"), own);
});

netnsTest("inNetns: the process dies when it cannot come back", async (pair) => {
  const script = new URL("lose_way_back.ts", import.meta.url).pathname;
  const { signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, pair.pod.path],
    cwd: "/proc", // no core file can be left there
    stderr: "null",
  }).output();
  assertEquals([signal, stdout.length], ["SIGABRT", 0]);
});

/** Runs commands of ip(8), one a line. */
async function batch(netns: TestNetns, lines: readonly string[]): Promise<void> {
  const file = await Deno.makeTempFile({ prefix: "hct" });
  try {
    await Deno.writeTextFile(file, lines.join("\n"));
    await netns.run("ip", "-batch", file);
  } finally {
    await Deno.remove(file);
  }
}

async function catSysctl(netns: TestNetns, path: readonly string[]): Promise<string> {
  return (await netns.run("cat", `/proc/sys/${path.join("/")}`)).trim();
}
