/** Limits of pods, with tc(8) and packets as witnesses. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../lib/errors.ts";
import type { Step } from "../../lib/host/step.ts";
import { HEADCNI_LINK_GROUP } from "../../lib/net/link.ts";
import type { Rate } from "../../lib/net/rate.ts";
import type { Bandwidth } from "../../lib/pod/bandwidth.ts";
import { ifbName } from "../../lib/pod/identity.ts";
import { type BandwidthFacts, diffBandwidth, planBandwidth } from "../../lib/pod/plan_bandwidth.ts";
import { runProgram } from "../cli/program.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingDebian } from "./debian.ts";
import { type NetnsPair, netnsTest, TestNetns } from "./namespace.ts";
import { ADD_VETH, REMOVE_VETH, TestNode } from "./node.ts";
import { DEBIAN_PLUGINS } from "./plugin.ts";

const MTU_BYTES = 1380;
const IDENTITY = {
  key: { network: "net", containerId: "ctr", ifname: "eth0" },
  pod: {},
  hostLink: "veth0",
};
const IFB = ifbName(IDENTITY.key);
const ADD_IFB: Step = { kind: "add-ifb", name: "ifb8", mtuBytes: MTU_BYTES, alias: "a" };
const REMOVE_IFB: Step = { kind: "remove-link", place: "host", name: "ifb8" };
/** What containerd sends as a burst, 2^32 - 1 bits. */
const NO_BURST_BYTES = 536_870_911;

/** Rates from a bit of traffic to 40 Gbit/s, each with small and with large bursts. */
const RATES: readonly Rate[] = [1000, 125_000, 125_000_000, 1.25e9, 5e9].flatMap((bytesPerSecond) =>
  [20_000, 1_000_000, NO_BURST_BYTES].map((burstBytes) => ({ bytesPerSecond, burstBytes }))
);

netnsTest("limit-link: what is set is what tc tells and what we read, again and again", async (
  pair,
) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH);
  const index = node.ask((host) => host.findLink("host", "veth0"))?.index ?? 0;
  assertEquals(node.ask((host) => host.findLimit(index)), undefined);
  for (const rate of RATES) {
    const limit: Step = { kind: "limit-link", name: "veth0", rate };
    node.apply(limit, limit);
    const [seen, ...others] = await limitsOf(pair, "veth0");
    assertEquals(others, []);
    assertShows(seen, rate);
    const limitBytes = Math.floor(rate.bytesPerSecond / 40) + rate.burstBytes;
    const wanted = { bytesPerSecond: rate.bytesPerSecond, limitBytes };
    assertEquals(node.ask((host) => host.findLimit(index)), wanted);
  }
  node.apply(REMOVE_VETH);
  assertEquals(node.ask((host) => host.findLimit(index)), undefined);
});

netnsTest(
  "limit-link: takes the place of a queue that somebody else gave the link",
  async (pair) => {
    using node = new TestNode(pair);
    node.apply(...ADD_VETH);
    await pair.host.run("tc", "qdisc", "add", "dev", "veth0", "root", "handle", "9:", "pfifo");
    const index = node.ask((host) => host.findLink("host", "veth0"))?.index ?? 0;
    assertEquals(node.ask((host) => host.findLimit(index)), undefined);
    const rate = { bytesPerSecond: 125_000, burstBytes: 20_000 };
    node.apply({ kind: "limit-link", name: "veth0", rate });
    assertEquals((await limitsOf(pair, "veth0")).map(({ kind }) => kind), ["tbf"]);
    node.apply(REMOVE_VETH);
  },
);

netnsTest("redirect-link: one filter for all that enters, which can be changed", async (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH, ADD_IFB, { ...ADD_IFB, name: "ifb9" });
  const indexOf = (name: string) => node.ask((host) => host.findLink("host", name))?.index ?? 0;
  const target = () => node.ask((host) => host.findRedirect(indexOf("veth0")));
  assertEquals(target(), undefined);
  for (const to of ["ifb8", "ifb8", "ifb9"]) {
    node.apply({ kind: "redirect-link", name: "veth0", to });
    const text = await pair.host.run("tc", "-j", "filter", "show", "dev", "veth0", "ingress");
    const rules = JSON.parse(text).filter(({ options }: TcRule) => options?.actions);
    assertEquals(
      rules.map(({ protocol, pref, options }: TcRule) => ({
        protocol,
        pref,
        mask: options?.match.mask,
        to: options?.actions.map(({ mirred_action, to_dev }) => `${mirred_action} ${to_dev}`),
      })),
      [{ protocol: "all", pref: 1, mask: "0", to: [`redirect ${to}`] }],
    );
    assertEquals(target(), indexOf(to));
  }
  node.apply({ ...REMOVE_IFB, name: "ifb9" });
  assertEquals(target(), 0);
  node.apply(REMOVE_VETH, REMOVE_IFB);
});

netnsTest("redirect-link: a filter of somebody else is no redirection", async (pair) => {
  using node = new TestNode(pair);
  node.apply(...ADD_VETH, ADD_IFB);
  const index = node.ask((host) => host.findLink("host", "veth0"))?.index ?? 0;
  const tc = (words: string) => pair.host.run("tc", ...words.split(" "));
  await tc("qdisc add dev veth0 ingress");
  await tc(
    "filter add dev veth0 parent ffff: protocol ip prio 1 u32 match ip dst 10.0.0.1 " +
      "action mirred egress redirect dev ifb8",
  );
  assertEquals(node.ask((host) => host.findRedirect(index)), undefined);
  node.apply(REMOVE_VETH, REMOVE_IFB);
});

netnsTest("add-ifb: is up at once and marked, and a taken name is a fault", async (pair) => {
  using node = new TestNode(pair);
  node.apply(ADD_IFB);
  const { index = 0, mac, ...seen } = node.ask((host) => host.findLink("host", "ifb8")) ?? {};
  assert(index > 0 && mac);
  assertEquals(seen, {
    name: "ifb8",
    mtuBytes: MTU_BYTES,
    up: true,
    promiscuous: false,
    carrier: true,
    alias: "a",
    group: HEADCNI_LINK_GROUP,
    linkKind: "ifb",
  });
  const before = await pair.host.snapshot();
  assertEquals(assertThrows(() => node.apply(ADD_IFB), KernelError).errno, 17);
  const long: Step = { ...ADD_IFB, name: "ifb9", alias: "x".repeat(300) };
  assertEquals(assertThrows(() => node.apply(long), KernelError).call, "RTM_SETLINK");
  assertEquals(await pair.host.snapshot(), before);
  node.apply(REMOVE_IFB);
});

netnsTest("limit-link, redirect-link: name the link that is not there", (pair) => {
  using node = new TestNode(pair);
  const rate = { bytesPerSecond: 1000, burstBytes: 2000 };
  const error = assertThrows(
    () => node.apply({ kind: "limit-link", name: "veth0", rate }),
    KernelError,
  );
  assertEquals(
    error.message,
    'Cannot apply "tc qdisc replace dev veth0 root handle 1: tbf rate 1000bps burst 2000 ' +
      'limit 2025": there is no link "veth0"',
  );
  node.apply(...ADD_VETH);
  const other: Step = { kind: "redirect-link", name: "veth0", to: "ifb9" };
  assertEquals(assertThrows(() => node.apply(other), KernelError).errno, 19);
  node.apply(REMOVE_VETH);
});

netnsTest("planBandwidth: what is planned is what CHECK finds", (pair) => {
  using node = new TestNode(pair);
  const limits: Bandwidth = {
    toPod: { bytesPerSecond: 125_000, burstBytes: NO_BURST_BYTES },
    fromPod: { bytesPerSecond: 5e9, burstBytes: 1 },
  };
  node.apply(...ADD_VETH, ...planBandwidth(IDENTITY, limits, MTU_BYTES));
  const differences = () => diffBandwidth(IDENTITY, limits, MTU_BYTES, observe(node));
  assertEquals(differences(), []);
  node.apply({
    kind: "limit-link",
    name: "veth0",
    rate: { bytesPerSecond: 1e6, burstBytes: 2000 },
  });
  assertEquals(differences().length, 2);
  node.apply({ kind: "remove-link", place: "host", name: IFB });
  assertEquals(differences().at(-1), `link ${IFB} is missing`);
  node.apply(REMOVE_VETH);
});

for (const [direction, limit] of [["to the pod", "toPod"], ["from the pod", "fromPod"]] as const) {
  netnsTest(`planBandwidth: a limit of what goes ${direction} limits that`, async (pair) => {
    using node = new TestNode(pair);
    node.apply(...ADD_VETH);
    await pair.host.run("ip", "address", "add", "10.9.0.1/24", "dev", "veth0");
    await pair.pod.run("ip", "address", "add", "10.9.0.2/24", "dev", "eth0");
    const send = () =>
      limit === "toPod"
        ? flood(pair.host, pair.pod, "10.9.0.2")
        : flood(pair.pod, pair.host, "10.9.0.1");
    const all = await send();
    assert(all >= FLOOD_PACKETS * 0.9, `${all} packets of ${FLOOD_PACKETS} without a limit`);
    const rate = { bytesPerSecond: 100_000, burstBytes: 20_000 };
    const other = limit === "toPod" ? "fromPod" : "toPod";
    const generous = { bytesPerSecond: 5e9, burstBytes: NO_BURST_BYTES };
    node.apply(...planBandwidth(IDENTITY, { [limit]: rate, [other]: generous }, MTU_BYTES));
    const some = await send();
    assert(some > 0 && some < all / 3, `${some} packets with a limit, ${all} without`);
    node.apply(REMOVE_VETH, { kind: "remove-link", place: "host", name: IFB });
  });
}

netnsTest("removeLinksInBackground: removes what is there of them, and no other", async (pair) => {
  using node = new TestNode(pair);
  const other: Step = { ...ADD_IFB, name: "ifb9" };
  const script = new URL("remove_in_background.ts", import.meta.url).pathname;
  const unmarked = "ip link add ifb8 group 1212370505 type ifb";
  const cases: [string, () => unknown][] = [
    ["both", () => node.apply(...ADD_VETH, ADD_IFB)],
    ["the veth alone", () => node.apply(...ADD_VETH)],
    ["the ifb alone", () => node.apply(ADD_IFB)],
    ["one without an alias", async () => {
      node.apply(...ADD_VETH);
      await pair.host.run(...unmarked.split(" "));
    }],
    ["both, after a removal that was killed", async () => {
      node.apply(...ADD_VETH, ADD_IFB);
      await pair.host.run("ip", "link", "set", "veth0", "group", "77");
    }],
    ["neither", () => {}],
  ];
  node.apply(other);
  for (const [what, make] of cases) {
    await make();
    const printed = await pair.host.run(Deno.execPath(), "run", "-A", script, "veth0", "ifb8");
    assertEquals(JSON.parse(printed), { names: ["lo", "ifb9"], stray: 0 }, what);
  }
  node.apply({ ...REMOVE_IFB, name: "ifb9" });
});

testUnless(missingDebian(), "planBandwidth: sets what Debian's bandwidth plugin sets", async () => {
  await using host = await TestNetns.make("host");
  await using pod = await TestNetns.make("pod");
  using node = new TestNode({ host, pod });
  for (const { bytesPerSecond, burstBytes } of RATES) {
    // It computes the burst as a time that overflows from 275 s on.
    if (burstBytes / bytesPerSecond > 250) continue;
    const rate = { bytesPerSecond, burstBytes };
    node.apply(...ADD_VETH);
    await addByDebian({ host, pod }, rate);
    const theirs = [...await limitsOf({ host }, "veth0"), ...await limitsOf({ host }, "bwp")];
    node.apply(REMOVE_VETH);
    await host.run("ip", "link", "delete", theirs[1]?.dev ?? "");
    node.apply(...ADD_VETH, ...planBandwidth(IDENTITY, { toPod: rate, fromPod: rate }, MTU_BYTES));
    const ours = [...await limitsOf({ host }, "veth0"), ...await limitsOf({ host }, IFB)];
    assertEquals([theirs.length, ours.length], [2, 2]);
    for (const seen of [...theirs, ...ours]) assertShows(seen, rate);
    node.apply(REMOVE_VETH, { kind: "remove-link", place: "host", name: IFB });
  }
});

/** A queue as tc(8) prints it. */
interface TcQueue {
  readonly kind: string;
  readonly dev: string;
  readonly options: { readonly rate: number; readonly burst: number; readonly lat: number };
}

/** A rule of a filter as tc(8) prints it. */
interface TcRule {
  readonly protocol: string;
  readonly pref: number;
  readonly options?: {
    readonly match: { readonly mask: string };
    readonly actions: readonly { readonly mirred_action: string; readonly to_dev: string }[];
  };
}

/** What packets leave the links by whose names begin so. */
async function limitsOf({ host }: Pick<NetnsPair, "host">, link: string): Promise<TcQueue[]> {
  const queues: (TcQueue & { root?: boolean })[] = JSON.parse(
    await host.run("tc", "-s", "-j", "qdisc", "show"),
  );
  return queues.filter(({ dev, root }) => root && dev.startsWith(link));
}

/**
 * The kernel tells a burst as a time in ticks of 64 ns, modulo 2^32, and tc(8) rounds it to
 * microseconds before it counts in bytes again.
 */
function assertShows(seen: TcQueue | undefined, { bytesPerSecond, burstBytes }: Rate): void {
  assertEquals([seen?.kind, seen?.options.rate], ["tbf", bytesPerSecond]);
  const overflowBytes = 2 ** 32 * 64e-9 * bytesPerSecond;
  const wantedBytes = burstBytes % overflowBytes;
  const burst = seen?.options.burst ?? 0;
  const text = `burst ${burst} of ${burstBytes} at ${bytesPerSecond} B/s`;
  assert(Math.abs(burst - wantedBytes) <= bytesPerSecond * 2e-6 + wantedBytes * 1e-6 + 1, text);
  if (burstBytes > overflowBytes) return; // then its latency is none
  const latencyUs = seen?.options.lat ?? 0;
  assert(Math.abs(latencyUs - 25_000) <= 2 + 1e6 / bytesPerSecond, `${text}: ${latencyUs} us`);
}

function observe(node: TestNode): BandwidthFacts {
  return node.ask((host) => {
    const hostLink = host.findLink("host", "veth0");
    const ifb = host.findLink("host", IFB);
    return {
      hostLimit: hostLink && host.findLimit(hostLink.index),
      redirectIndex: hostLink && host.findRedirect(hostLink.index),
      ifb,
      ifbLimit: ifb && host.findLimit(ifb.index),
    };
  });
}

/** 2 MB in all. */
const FLOOD_PACKETS = 1500;

/** Sends packets as fast as it goes; answers how many arrive. */
async function flood(from: TestNetns, place: TestNetns, target: string): Promise<number> {
  const before = await echoRequests(place);
  const ping = `ping -q -n -l ${FLOOD_PACKETS} -c ${FLOOD_PACKETS} -s 1300 -w 2 ${target}`;
  await from.run("sh", "-c", `${ping} || true`); // it fails when an answer does not come
  return await echoRequests(place) - before;
}

/** How many echo requests a namespace has received. */
async function echoRequests(place: TestNetns): Promise<number> {
  const text = await place.run("cat", "/proc/net/snmp");
  const [names, values] = text.split("\n").filter((line) => line.startsWith("Icmp:"))
    .map((line) => line.split(" "));
  return Number(values?.[names?.indexOf("InEchos") ?? 0]);
}

/** Has the reference plugin limit both directions of the pod that ADD_VETH made. */
async function addByDebian(
  { host, pod }: NetnsPair,
  { bytesPerSecond, burstBytes }: Rate,
): Promise<void> {
  const [rate, burst] = [bytesPerSecond * 8, burstBytes * 8];
  const config = {
    cniVersion: "1.0.0",
    name: "net",
    type: "bandwidth",
    runtimeConfig: {
      bandwidth: { ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst },
    },
    prevResult: {
      cniVersion: "1.0.0",
      interfaces: [{ name: "veth0" }, { name: "eth0", sandbox: pod.path }],
    },
  };
  const { code, stdout } = await runProgram({
    enter: ["nsenter", `--net=${host.path}`],
    executable: `${DEBIAN_PLUGINS}/bandwidth`,
    env: {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "ctr",
      CNI_NETNS: pod.path,
      CNI_IFNAME: "eth0",
      CNI_PATH: DEBIAN_PLUGINS,
    },
    stdin: JSON.stringify(config),
  });
  assertEquals(code, 0, stdout);
}
