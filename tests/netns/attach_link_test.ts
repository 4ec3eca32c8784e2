/** What ADD makes of the links: bridge, gateway, hardware addresses, MTU, flags of the port. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { bare, kernelAddresses, network, type NetworkConfig, nodeTest } from "./plugin.ts";
import type { TestNode, TestPod } from "./plugin.ts";

/** A link as `ip -j -d link show` tells it. */
interface ShownLink {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly promiscuity: number;
  readonly flags: readonly string[];
  readonly ifalias?: string;
  readonly linkinfo: { readonly info_slave_data?: { hairpin: boolean; isolated: boolean } };
}

nodeTest(
  "headcni: the bridge has the gateways, and the MAC of the first for good",
  async (node) => {
    const config = network();
    const pods = [await node.makePod(), await node.makePod()];
    for (const pod of pods) {
      const { interfaces = [] } = await node.add(pod, config);
      const bridge = await showLink(node.host, "headcni0");
      assertEquals([bridge.address, interfaces[0]?.name, interfaces[0]?.mac], [
        "0a:58:0a:09:00:01",
        "headcni0",
        bridge.address,
      ]);
      assertEquals(await kernelAddresses(node.host, "headcni0"), ["10.9.0.1/24", "fd00:9::1/64"]);
    }
    for (const pod of pods) await node.del(pod, config);
    assertEquals((await showLink(node.host, "headcni0")).address, "0a:58:0a:09:00:01");
  },
);

nodeTest("headcni: a ptp link has the gateways as host addresses", async (node) => {
  const pod = await node.makePod();
  const { interfaces = [] } = await node.add(pod, network({ datapath: "ptp" }));
  const [link, own] = interfaces;
  assertEquals(await kernelAddresses(node.host, link?.name), ["10.9.0.1/32", "fd00:9::1/128"]);
  assertEquals([own?.name, own?.sandbox], ["eth0", pod.path]);
});

nodeTest("headcni: the host link tells whose it is", async (node) => {
  const pod = await node.makePod();
  const env = { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0;X=y" };
  const { interfaces = [], ips = [] } = await node.add(pod, network(), env);
  const { ifalias } = await showLink(node.host, interfaces[1]?.name);
  const addresses = ips.map(({ address }) => bare(address)).join();
  assertEquals(
    ifalias,
    `headcni:1 net=pods id=${pod.name} if=eth0 ip=${addresses} pod=shop/cart-0`,
  );
});

nodeTest("headcni: the MAC comes from the strongest source", async (node) => {
  const args = { CNI_ARGS: "MAC=02:00:00:00:00:02" };
  const key = { mac: "02:00:00:00:00:01" };
  const cniArgs = { args: { cni: { mac: "02:00:00:00:00:03" } } };
  const runtimeConfig = { runtimeConfig: { mac: "02:00:00:00:00:04" } };
  const cases: [NetworkConfig, Readonly<Record<string, string>>, mac: string][] = [
    [key, {}, "02:00:00:00:00:01"],
    [key, args, "02:00:00:00:00:02"],
    [{ ...key, ...cniArgs }, args, "02:00:00:00:00:03"],
    [{ ...key, ...cniArgs, ...runtimeConfig }, args, "02:00:00:00:00:04"],
  ];
  const pod = await node.makePod();
  for (const [keys, env, mac] of cases) {
    const { interfaces = [] } = await node.add(pod, network(keys), env);
    assertEquals([interfaces[2]?.mac, (await showLink(pod, "eth0")).address], [mac, mac]);
    await node.del(pod, network(keys), env);
  }
  const { ips } = await node.add(pod, network());
  const last = Number(ips?.[0]?.address.match(/\.(\d+)\//)?.[1]);
  const derived = `0a:58:0a:09:00:${last.toString(16).padStart(2, "0")}`;
  assertEquals((await showLink(pod, "eth0")).address, derived);
});

nodeTest(
  "headcni: the MTU is the configured one, or 1280, or the uplink's if lower",
  async (node) => {
    const pod = await node.makePod();
    const cases: [keys: NetworkConfig, uplink: number, mtu: number][] = [
      [{}, 0, 1280],
      [{}, 1500, 1280],
      [{}, 1000, 1000],
      [{ mtu: 0 }, 1000, 1000],
      [{ mtu: 1400 }, 1000, 1400],
    ];
    for (const [keys, uplink, mtu] of cases) {
      const config = network(keys, [4]);
      if (uplink > 0) await setUplink(node, uplink);
      const { interfaces = [] } = await node.add(pod, config);
      const links = [await showLink(node.host, interfaces[1]?.name), await showLink(pod, "eth0")];
      assertEquals(links.map((link) => link.mtu), [mtu, mtu]);
      assertEquals(interfaces.map((link) => link.mtu), [undefined, undefined, undefined]);
      await node.del(pod, config);
    }
    const { interfaces } = await node.add(pod, network({ cniVersion: "1.1.0" }, [4]));
    assertEquals(interfaces?.map(({ mtu }) => mtu), [undefined, 1000, 1000]);
  },
);

nodeTest("headcni: hairpin, isolation and promiscuous mode of bridge and port", async (node) => {
  const cases: [keys: NetworkConfig, hairpin: boolean, isolated: boolean, promiscuous: boolean][] =
    [
      [{}, true, false, false],
      [{ hairpinMode: false }, false, false, false],
      [{ portIsolation: true }, true, true, false],
      [{ promiscMode: true }, false, false, true],
    ];
  for (const [index, [keys, hairpin, isolated, promiscuous]] of cases.entries()) {
    const bridge = `hct${index}`;
    const pod = await node.makePod();
    const { interfaces = [] } = await node.add(pod, network({ ...keys, bridge }, [6]));
    const { linkinfo } = await showLink(node.host, interfaces[1]?.name);
    const { flags } = await showLink(node.host, bridge);
    assertEquals(
      [linkinfo.info_slave_data?.hairpin, linkinfo.info_slave_data?.isolated],
      [hairpin, isolated],
    );
    assertEquals(flags.includes("PROMISC"), promiscuous);
    await node.del(pod, network({ ...keys, bridge }, [6]));
    await node.host.run("ip", "link", "delete", bridge);
  }
});

nodeTest("headcni: isolated pods reach the node, but not each other", async (node) => {
  const [red, blue] = [await node.makePod(), await node.makePod()];
  const config = network({ portIsolation: true }, [4]);
  await node.add(red, config);
  const { ips } = await node.add(blue, config);
  await ping(red, "10.9.0.1");
  await assertRejects(() => ping(red, bare(ips?.[0]?.address)));
});

nodeTest("headcni: IPv6 router advertisements of pods are not heard", async (node) => {
  for (const datapath of ["bridge", "ptp"]) {
    const pod = await node.makePod();
    const { interfaces = [] } = await node.add(pod, network({ datapath }, [6]));
    for (const { name } of interfaces.filter(({ sandbox }) => !sandbox)) {
      const path = `/proc/sys/net/ipv6/conf/${name}/accept_ra`;
      assertEquals(await node.host.run("cat", path), "0\n", path);
    }
    const keep = "/proc/sys/net/ipv6/conf/eth0/keep_addr_on_down";
    assertEquals(await pod.run("cat", keep, "/proc/sys/net/ipv4/conf/eth0/arp_notify"), "1\n1\n");
  }
});

nodeTest("headcni: the bridge follows a new subnet when no pod is left on it", async (node) => {
  const pod = await node.makePod();
  const cases: [subnet: string, gateway: string][] = [
    ["10.9.0.0/24", "10.9.0.1/24"],
    ["10.8.0.0/24", "10.8.0.1/24"],
    ["10.8.0.0/16", "10.8.0.1/16"],
    ["fd00:8::/64", "fd00:8::1/64"],
    ["fd00:8::/48", "fd00:8::1/48"],
  ];
  for (const [subnet, gateway] of cases) {
    const config = network({ ipam: { subnet } });
    await node.add(pod, config);
    const family = (address: string) => address.includes(":");
    const present = await kernelAddresses(node.host, "headcni0");
    assertEquals(present.filter((address) => family(address) === family(gateway)), [gateway]);
    await node.del(pod, config);
  }
});

nodeTest("headcni: a bridge with pods of another subnet is left alone", async (node) => {
  const [red, blue] = [await node.makePod(), await node.makePod()];
  await node.add(red, network());
  for (const subnet of ["10.8.0.0/24", "10.9.0.0/16", "fd00:9::/48"]) {
    const config = network({ ipam: { subnet } });
    await node.unchangedBy([red, blue], async () => {
      const text = await node.fail({ verb: "ADD", config, pod: blue }, 7);
      assertStringIncludes(text, "forceAddress");
    });
  }
  const forced = network({ ipam: { subnet: "10.8.0.0/24" }, forceAddress: true });
  await node.add(blue, forced);
  assertEquals(await kernelAddresses(node.host, "headcni0"), ["10.8.0.1/24", "fd00:9::1/64"]);
});

nodeTest("headcni: a link of the bridge's name that is no bridge is not used", async (node) => {
  const pod = await node.makePod();
  await node.host.run("ip", "link", "add", "headcni0", "type", "ifb");
  await node.unchangedBy([pod], async () => {
    const text = await node.fail({ verb: "ADD", config: network(), pod }, 7);
    assertStringIncludes(text, "is no bridge");
  });
});

async function showLink(place: TestPod, name = ""): Promise<ShownLink> {
  const [link]: ShownLink[] = JSON.parse(
    await place.run("ip", "-j", "-d", "link", "show", "dev", name),
  );
  if (!link) throw new Error(`Cannot find link "${name}"`);
  return link;
}

/** Makes the node's way to the outside, or changes its MTU. */
async function setUplink({ host }: TestNode, mtu: number): Promise<void> {
  const script = "ip link add up0 type bridge 2>/dev/null; " +
    `ip link set up0 up mtu ${mtu}; ip address replace 198.51.100.1/24 dev up0; ` +
    "ip route replace default via 198.51.100.2 dev up0";
  await host.run("sh", "-c", script);
}

async function ping(from: TestPod, address: string): Promise<void> {
  await from.run("ping", "-c", "1", "-W", "1", address);
}

nodeTest(
  "headcni: bridge: only pods on it keep its address, not records of others",
  async (node) => {
    await node.warmUp(network());
    const routed = await node.makePod();
    await node.add(routed, network({ name: "routed", datapath: "ptp" }));
    const lost = await node.makePod();
    await node.add(lost, network());
    await lost.run("ip", "link", "delete", "eth0"); // as when a namespace went without a DEL
    const pod = await node.makePod();
    await node.add(pod, network({ ipam: { subnet: "10.8.0.0/24" } }));
    assertEquals(await kernelAddresses(node.host, "headcni0"), ["10.8.0.1/24", "fd00:9::1/64"]);
  },
);
