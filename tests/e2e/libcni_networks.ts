/** Networks of ours, and of Debian's plugins with ours, that a real libcni drives. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { TestNetns } from "../netns/namespace.ts";
import { bare, type Families, kernelAddresses, SUBNETS, type TestPod } from "../netns/plugin.ts";
import type { Libcni, PluginList } from "./libcni.ts";

/** Released versions of the specification, oldest first, which is the order of texts. */
export const VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

type Version = typeof VERSIONS[number];

/** The newest one that Debian's plugins know. */
export const DEBIAN_LAST = "1.0.0";

/** First addresses of the subnets: the node's own. */
export const GATEWAYS = { 4: "10.9.0.1", 6: "fd00:9::1" } as const;

const HOST_PORT = 8088;
const CONTAINER_PORT = 80;

/** How CHECK of portmap 1.1.1 fails whenever there is IPv4: it looks for its rules among IPv6's. */
const PORTMAP_FAULT = "could not check ipv6 dnat";

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

/** A host port of its own for each pod, and limits. */
const PORTS_AND_LIMITS: Required<PluginList>["capabilities"] = (pod) => ({
  portMappings: [
    { hostPort: HOST_PORT + pod, containerPort: CONTAINER_PORT, protocol: "tcp" },
  ],
  bandwidth: RATES,
});

/** What a plugin declares that is sent both. */
const CAPABLE = { capabilities: { portMappings: true, bandwidth: true } };

/** What is left to Debian's bridge; the addresses are the node's. */
const DELEGATING = { type: "headcni", delegate: { type: "bridge", bridge: "br0" } };

/** A network, and what all of its plugins can do. */
export interface Network extends Pick<PluginList, "plugins" | "isSingle" | "capabilities"> {
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
export const BOTH: Families = [4, 6];

/** A network a row: each runs through every version that its plugins speak. */
export const NETWORKS: readonly Network[] = [
  { name: "bridge", families: IPV4, plugins: [headcni(IPV4)] },
  { name: "ptp", families: IPV4, plugins: [headcni(IPV4, { datapath: "ptp" })] },
  { name: "bridge, both families", families: BOTH, plugins: [headcni(BOTH)] },
  { name: "ptp, both families", families: BOTH, plugins: [headcni(BOTH, { datapath: "ptp" })] },
  {
    name: "Debian's portmap after ours",
    families: BOTH,
    to: DEBIAN_LAST,
    plugins: [headcni(BOTH), PORTMAP],
    capabilities: PORTS_AND_LIMITS,
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
    capabilities: PORTS_AND_LIMITS,
    checkFault: PORTMAP_FAULT,
    witness: async (libcni, pod) => {
      await expectPortAndLimits(libcni, pod);
      await expectAccepted(libcni, pod);
      await expectTuned(pod);
    },
  },
  ...["bridge", "ptp"].map((datapath) => ({
    name: `${datapath} with host ports and limits`,
    families: BOTH,
    plugins: [headcni(BOTH, { datapath, ...CAPABLE })],
    capabilities: PORTS_AND_LIMITS,
    witness: expectPortAndLimits,
  })),
  {
    name: "Debian's tuning and firewall after ours with host ports and limits",
    families: BOTH,
    from: "0.4.0", // of firewall
    to: DEBIAN_LAST,
    plugins: [
      headcni(BOTH, CAPABLE),
      { type: "tuning", ...TUNING },
      { type: "firewall", backend: "iptables" },
    ],
    capabilities: PORTS_AND_LIMITS,
    witness: async (libcni, pod) => {
      await expectPortAndLimits(libcni, pod);
      await expectAccepted(libcni, pod);
      await expectTuned(pod);
    },
  },
  {
    name: "Debian's bridge as our delegate",
    families: BOTH,
    to: DEBIAN_LAST,
    plugins: [DELEGATING],
  },
  {
    name: "Debian's portmap after our delegate",
    families: BOTH,
    to: DEBIAN_LAST,
    plugins: [DELEGATING, PORTMAP],
    capabilities: PORTS_AND_LIMITS,
    checkFault: PORTMAP_FAULT,
    witness: expectHostPort,
  },
  {
    name: "ours and Debian's tuning in one configuration",
    families: BOTH,
    to: DEBIAN_LAST,
    plugins: [{
      type: "headcni",
      ...CAPABLE,
      plugins: [headcni(BOTH), { type: "tuning", ...TUNING }],
    }],
    isSingle: true,
    capabilities: PORTS_AND_LIMITS,
    witness: async (libcni, pod) => {
      await expectPortAndLimits(libcni, pod);
      await expectTuned(pod);
    },
  },
  ...[false, true].map((isSingle): Network => ({
    name: `Debian's bridge, bandwidth, tuning and portmap in one configuration of ours, ` +
      `${isSingle ? "by itself" : "in a list"}`,
    families: BOTH,
    from: "0.3.0", // of bandwidth
    to: DEBIAN_LAST,
    plugins: [{
      type: "headcni",
      ...CAPABLE,
      plugins: [DELEGATING, { type: "bandwidth" }, { type: "tuning", ...TUNING }, PORTMAP],
    }],
    isSingle,
    capabilities: PORTS_AND_LIMITS,
    checkFault: PORTMAP_FAULT,
    witness: async (libcni, pod) => {
      await expectPortAndLimits(libcni, pod);
      await expectTuned(pod);
    },
  })),
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

/** A plugin of type `headcni` for a list. */
export function headcni(
  families: Families,
  keys: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { type: "headcni", ipam: ipam(families), ...keys };
}

function ipam(families: Families, type = "headcni-ipam"): Readonly<Record<string, unknown>> {
  return { type, ranges: families.map((family) => [{ subnet: SUBNETS[family] }]) };
}

async function expectPortAndLimits(libcni: Libcni, pod: TestNetns): Promise<void> {
  await expectHostPort(libcni, pod);
  await expectRates(libcni);
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

/** Fails unless the only pod is limited both ways. */
async function expectRates({ node: { host } }: Libcni): Promise<void> {
  const limits = (await host.run("tc", "qdisc", "show")).match(/qdisc tbf .* rate 8Mbit/g);
  assertEquals(limits?.length, 2);
}

/** Fails unless the pod's link is as Debian's tuning makes it. */
async function expectTuned(pod: TestNetns): Promise<void> {
  assertEquals((await pod.run("sysctl", "-n", MARTIANS)).trim(), "1");
  const [link] = await pod.ip("link", "show", "eth0");
  assertEquals([link?.address, link?.mtu], [TUNING.mac, TUNING.mtu]);
}

/** Fails unless Debian's firewall lets the pod's packets pass. */
async function expectAccepted({ node: { host } }: Libcni, pod: TestPod): Promise<void> {
  for (const address of await kernelAddresses(pod)) {
    const iptables = address.includes(":") ? "ip6tables" : "iptables";
    assertStringIncludes(await host.run(iptables, "-S", "CNI-FORWARD"), bare(address));
  }
}
