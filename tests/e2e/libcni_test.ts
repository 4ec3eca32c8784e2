/** Networks of ours, and of Debian's plugins with ours, as a runtime with the real libcni has them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  addressesOf,
  assertSameLines,
  bare,
  type Families,
  kernelAddresses,
  SUBNETS,
  type TestPod,
} from "../netns/plugin.ts";
import type { TestNetns } from "../netns/namespace.ts";
import { type Libcni, libcniTest, type PluginList } from "./libcni.ts";

/** Released versions of the specification, oldest first, which is the order of texts. */
const VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

type Version = typeof VERSIONS[number];

/** The first one with CHECK. */
const FIRST_WITH_CHECK = "0.4.0";

/** The first one with STATUS, and with GC. */
const FIRST_WITH_STATUS = "1.1.0";

/** The newest one that Debian's plugins know. */
const DEBIAN_LAST = "1.0.0";

/** First addresses of the subnets: the node's own. */
const GATEWAYS = { 4: "10.9.0.1", 6: "fd00:9::1" } as const;

const HOST_PORT = 8088;
const CONTAINER_PORT = 80;

/** How CHECK of portmap 1.1.1 fails whenever there is IPv4: it looks for its rules among IPv6's. */
const PORTMAP_FAULT = "could not check ipv6 dnat";

const PORT_MAPPINGS = [
  { hostPort: HOST_PORT, containerPort: CONTAINER_PORT, protocol: "tcp" },
];

/** Stands last in a list, for the plugins behind it are not asked. */
const PORTMAP = { type: "portmap", capabilities: { portMappings: true } };

/** Goes with the interface. */
const MARTIANS = "net.ipv4.conf.eth0.log_martians";

/** What CHECK of ours must take; and where the plugin keeps what was before. */
const TUNING = {
  ...{ mac: "02:00:00:00:00:77", mtu: 1400, promisc: true, sysctl: { [MARTIANS]: "1" } },
  dataDir: "/var/lib/cni/tuning",
};

/** In bits, some 1 MB/s: more than a ping. */
const RATES = {
  ...{ ingressRate: 8_000_000, ingressBurst: 800_000 },
  ...{ egressRate: 8_000_000, egressBurst: 800_000 },
};

/** A network, and what all of its plugins can do. */
interface Network extends Pick<PluginList, "plugins" | "capabilities"> {
  readonly name: string;
  readonly families: Families;
  /** First version; the oldest unless given. */
  readonly from?: Version;
  /** Last version; the newest unless given. */
  readonly to?: Version;
  /** What CHECK fails with, by a known fault of the last plugin. */
  readonly checkFault?: string;
  /** Looks at what only this network has, while a pod is up. */
  readonly witness?: (libcni: Libcni, pod: TestNetns) => Promise<void>;
}

const IPV4: Families = [4];
const BOTH: Families = [4, 6];

const NETWORKS: readonly Network[] = [
  { name: "bridge", families: IPV4, plugins: [headcni(IPV4)] },
  { name: "ptp", families: IPV4, plugins: [headcni(IPV4, { datapath: "ptp" })] },
  { name: "bridge, both families", families: BOTH, plugins: [headcni(BOTH)] },
  { name: "ptp, both families", families: BOTH, plugins: [headcni(BOTH, { datapath: "ptp" })] },
  {
    name: "Debian's portmap after ours",
    families: BOTH,
    to: DEBIAN_LAST,
    plugins: [headcni(BOTH), PORTMAP],
    capabilities: { portMappings: PORT_MAPPINGS },
    checkFault: PORTMAP_FAULT,
    witness: expectHostPort,
  },
  {
    name: "Debian's bandwidth, tuning, firewall and portmap after ours",
    families: BOTH,
    from: "0.4.0", // of firewall
    to: DEBIAN_LAST,
    plugins: [
      headcni(BOTH),
      { type: "bandwidth", capabilities: { bandwidth: true } },
      { type: "tuning", ...TUNING },
      { type: "firewall", backend: "iptables" },
      PORTMAP,
    ],
    capabilities: {
      portMappings: PORT_MAPPINGS,
      bandwidth: RATES,
    },
    checkFault: PORTMAP_FAULT,
    witness: async (libcni, pod) => {
      await expectHostPort(libcni, pod);
      await expectRates(libcni);
      await expectAccepted(libcni, pod);
      assertEquals((await pod.run("sysctl", "-n", MARTIANS)).trim(), "1");
      const [link] = await pod.ip("link", "show", "eth0");
      assertEquals([link?.address, link?.mtu], [TUNING.mac, TUNING.mtu]);
    },
  },
  {
    name: "Debian's bridge over our IPAM",
    families: IPV4,
    to: DEBIAN_LAST,
    plugins: [
      { type: "bridge", bridge: "br0", isDefaultGateway: true, ipMasq: true, ipam: ipam(IPV4) },
    ],
  },
  {
    name: "Debian's ptp over our IPAM",
    families: BOTH,
    to: DEBIAN_LAST,
    plugins: [{ type: "ptp", ipMasq: true, ipam: ipam(BOTH) }],
  },
  {
    name: "ours over Debian's host-local",
    families: BOTH,
    to: DEBIAN_LAST,
    plugins: [{ ...headcni(BOTH), ipam: ipam(BOTH, "host-local") }],
  },
];

for (const network of NETWORKS) {
  const [from, to] = [network.from ?? VERSIONS[0], network.to ?? VERSIONS[6]];
  const versions = VERSIONS.filter((version) => from <= version && version <= to);

  libcniTest(`${network.name}: ADD, CHECK and DEL, ${from} to ${to}`, async (libcni) => {
    const pod = await libcni.makePod();
    await warmUp(libcni, { ...network, cniVersion: from }, pod);
    const before = await libcni.snapshot([pod]);
    for (const cniVersion of versions) {
      await libcni.configure({ ...network, cniVersion });
      const result = await libcni.add(pod);
      assertEquals(result.cniVersion, cniVersion);
      if (cniVersion >= FIRST_WITH_CHECK) await check(libcni, network, pod);
      if (cniVersion >= FIRST_WITH_STATUS) assertEquals(await libcni.status(), "");
      await expectUp(libcni, network, pod, addressesOf(result));
      await libcni.del(pod);
      assertSameLines(await libcni.snapshot([pod]), before, cniVersion);
      await libcni.del(pod);
    }
    assertSameLines(await libcni.snapshot([pod]), before);
  });
}

const OURS = NETWORKS.filter(({ to }) => to === undefined);

for (const network of OURS) {
  // As a daemon writes it, so that older runtimes take it too: libcni takes the newest.
  const list = { ...network, cniVersion: "1.0.0", cniVersions: ["1.0.0", "1.1.0"] };

  libcniTest(`${network.name}: CHECK tells what is gone`, async (libcni) => {
    const pod = await libcni.makePod();
    await libcni.configure(list);
    const [address = ""] = addressesOf(await libcni.add(pod));
    await pod.run("ip", "address", "delete", address, "dev", "eth0");
    assertStringIncludes(await libcni.fail("check", pod), bare(address));
  });

  libcniTest(`${network.name}: GC leaves the valid pods and nothing else`, async (libcni) => {
    const [live, stale, forgotten] = await makePods(libcni);
    await warmUp(libcni, list, live);
    const empty = await libcni.snapshot([live, stale, forgotten]);

    const result = await libcni.add(live);
    assertEquals(result.cniVersion, "1.1.0");
    const before = await libcni.snapshot([live, stale, forgotten]);
    await libcni.add(forgotten);
    await libcni.forget(forgotten); // no DEL by libcni: GC of ours has to find it
    await libcni.add(stale);
    await libcni.gcBut([live]);
    assertSameLines(await libcni.snapshot([live, stale, forgotten]), before);
    await libcni.check(live);
    for (const address of addressesOf(result)) await ping(libcni.node.host, bare(address));

    await libcni.add(stale);
    await libcni.gcBut([]);
    assertSameLines(await libcni.snapshot([live, stale, forgotten]), empty);
  });

  libcniTest(`${network.name}: GC by cnitool takes all that libcni knows`, async (libcni) => {
    const [red, blue, unknown] = await makePods(libcni);
    await warmUp(libcni, list, red);
    const result = await libcni.add(unknown);
    await libcni.forget(unknown);
    const before = await libcni.snapshot([red, blue, unknown]);
    for (const pod of [red, blue]) await libcni.add(pod);
    await libcni.gc();
    // It says nothing of valid pods: what lives and is not known to it stays.
    assertSameLines(await libcni.snapshot([red, blue, unknown]), before);
    for (const address of addressesOf(result)) await ping(libcni.node.host, bare(address));
    await libcni.gc();
    assertSameLines(await libcni.snapshot([red, blue, unknown]), before);
  });
}

libcniTest("STATUS and ADD tell that no address is free", async (libcni) => {
  const [first, second] = await makePods(libcni);
  const cniVersion = "1.1.0";
  const range = { subnet: SUBNETS[4], rangeStart: "10.9.0.9", rangeEnd: "10.9.0.9" };
  const own = { type: "headcni-ipam", cooldown: "0s", ranges: [[range]] };
  await libcni.configure({ cniVersion, plugins: [{ type: "headcni", ipam: own }] });
  assertEquals(await libcni.status(), "");
  await libcni.add(first);
  const before = await libcni.snapshot([first, second]);
  for (const text of [await libcni.status(), await libcni.fail("add", second)]) {
    assertStringIncludes(text, "10.9.0.9");
  }
  await libcni.del(second); // as a runtime does after a failure
  assertSameLines(await libcni.snapshot([first, second]), before);
  await libcni.del(first);
  assertEquals(await libcni.status(), "");
});

libcniTest("STATUS tells of a configuration that ADD would refuse", async (libcni) => {
  const plugins = [{ type: "headcni", ipam: { type: "headcni-ipam", subnet: "10.9.0.0/33" } }];
  await libcni.configure({ cniVersion: "1.1.0", plugins });
  assertStringIncludes(await libcni.status(), "10.9.0.0/33");
});

libcniTest(
  "what is left of an ADD that a plugin after ours failed is gone by DEL",
  async (libcni) => {
    const pod = await libcni.makePod();
    const failing = { type: "tuning", sysctl: { "net.ipv4.conf.eth0.no_such_key": "1" } };
    for (const cniVersion of ["0.4.0", DEBIAN_LAST]) {
      await warmUp(libcni, { cniVersion, plugins: [headcni(BOTH)] }, pod);
      const before = await libcni.snapshot([pod]);
      await libcni.configure({ cniVersion, plugins: [headcni(BOTH), failing] });
      assertStringIncludes(await libcni.fail("add", pod), "no_such_key");
      await libcni.del(pod);
      assertSameLines(await libcni.snapshot([pod]), before, cniVersion);
    }
  },
);

/** CHECK that must succeed, but for what the last plugin of the network is known to do. */
async function check(libcni: Libcni, { checkFault }: Network, pod: TestPod): Promise<void> {
  if (checkFault === undefined) await libcni.check(pod);
  else assertStringIncludes(await libcni.fail("check", pod), checkFault);
}

/** Fails unless the pod has the addresses of its result, and packets pass both ways. */
async function expectUp(
  libcni: Libcni,
  { families, witness }: Network,
  pod: TestNetns,
  addresses: readonly string[],
): Promise<void> {
  assertEquals(addresses.length, families.length);
  assertEquals(addresses.toSorted(), (await kernelAddresses(pod)).toSorted());
  for (const family of families) await ping(pod, GATEWAYS[family]);
  for (const address of addresses) await ping(libcni.node.host, bare(address));
  await witness?.(libcni, pod);
}

function headcni(
  families: Families,
  keys: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { type: "headcni", ipam: ipam(families), ...keys };
}

function ipam(families: Families, type = "headcni-ipam"): Readonly<Record<string, unknown>> {
  return { type, ranges: families.map((family) => [{ subnet: SUBNETS[family] }]) };
}

/** Three, without a network. */
async function makePods(libcni: Libcni): Promise<[TestNetns, TestNetns, TestNetns]> {
  return [await libcni.makePod(), await libcni.makePod(), await libcni.makePod()];
}

/** Adds and removes a pod, so that what belongs to the node and stays is there. */
async function warmUp(libcni: Libcni, list: PluginList, pod: TestPod): Promise<void> {
  await libcni.configure(list);
  await libcni.add(pod);
  await libcni.del(pod);
}

async function ping(from: Pick<TestPod, "run">, address: string): Promise<void> {
  await from.run("ping", "-c", "1", "-W", "5", address);
}

/** Fails unless the node's port leads to a server in the pod, by each family. */
async function expectHostPort({ node: { host } }: Libcni, pod: TestNetns): Promise<void> {
  using listener = pod.do(() => Deno.listen({ hostname: "::", port: CONTAINER_PORT }));
  for (const address of Object.values(GATEWAYS)) {
    const ask = `exec 3<>/dev/tcp/${address}/${HOST_PORT}; cat <&3`;
    const [, answer] = await Promise.all([
      greetOnce(listener),
      host.run("timeout", "5", "bash", "-c", ask),
    ]);
    assertEquals(answer, "hello", address);
  }
}

async function greetOnce(listener: Deno.Listener): Promise<void> {
  using connection = await listener.accept();
  await connection.write(new TextEncoder().encode("hello"));
}

/** Fails unless Debian's bandwidth limits both ways. */
async function expectRates({ node: { host } }: Libcni): Promise<void> {
  const limits = (await host.run("tc", "qdisc", "show")).match(/qdisc tbf .* rate 8Mbit/g);
  assertEquals(limits?.length, 2);
}

/** Fails unless Debian's firewall lets the pod's packets pass. */
async function expectAccepted({ node: { host } }: Libcni, pod: TestPod): Promise<void> {
  for (const address of await kernelAddresses(pod)) {
    const iptables = address.includes(":") ? "ip6tables" : "iptables";
    assertStringIncludes(await host.run(iptables, "-S", "CNI-FORWARD"), bare(address));
  }
}
