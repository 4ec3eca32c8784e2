/** The reference plugins of Debian as neighbours: over us, under us, and after us in a chain. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { askTeller, ip, tellCallers } from "./callers.ts";
import { run } from "./namespace.ts";
import {
  addressesOf,
  type AddResult,
  bare,
  DEBIAN_PLUGINS,
  kernelAddresses,
  network,
  type NetworkConfig,
  nodeTest,
  type TestNode,
  type TestPod,
} from "./plugin.ts";

/** Newest version that Debian's plugins (1.1.1) know. */
const cniVersion = "1.0.0";

/** One plugin of a chain: its configuration, with its executable unless it is ours. */
interface Member {
  readonly config: NetworkConfig;
  readonly plugin?: string;
}

for (const type of ["bridge", "ptp"]) {
  nodeTest(`headcni-ipam: gives addresses to the reference ${type}`, async (node) => {
    const [warm, pod] = [await node.makePod(), await node.makePod()];
    for (const place of [node.host, warm, pod]) {
      // It waits for duplicate address detection to be over, in pods as on its bridge.
      await place.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0");
    }
    const config = network({ type, isGateway: true });
    const call = {
      plugin: `${DEBIAN_PLUGINS}/${type}`,
      env: { CNI_PATH: await pluginFolder(node) },
    };
    for (const verb of ["ADD", "DEL"]) await node.succeed({ verb, pod: warm, config, ...call });
    await node.unchangedBy([pod], async () => {
      const prevResult = JSON.parse(await node.succeed({ verb: "ADD", pod, config, ...call }));
      assertEquals((await kernelAddresses(pod)).map(bare), addressesOf(prevResult).map(bare));
      const later = { pod, config: { ...config, prevResult }, ...call };
      assertEquals(await node.succeed({ verb: "CHECK", ...later }), "");
      assertEquals(await node.succeed({ verb: "DEL", ...later }), "");
    });
  });
}

for (const datapath of ["bridge", "ptp"]) {
  for (const ipam of foreignIpams()) {
    nodeTest(
      `headcni: ${datapath}: takes addresses of the reference ${ipam.type}`,
      async (node) => {
        const dataDir = `${node.root}/foreign`;
        await Deno.mkdir(dataDir);
        const config = network({ datapath, ipam: { ...ipam, dataDir } });
        await node.warmUp(config);
        const pod = await node.makePod();
        const leases = () => listFiles(dataDir);
        const before = await leases();
        await node.unchangedBy([pod], async () => {
          const prevResult = await node.add(pod, config);
          assertEquals((await kernelAddresses(pod)).map(bare), addressesOf(prevResult).map(bare));
          const check = { verb: "CHECK", pod, config: { ...config, prevResult } };
          assertEquals(await node.succeed(check), "");
          await pod.run("ping", "-c", "1", "-W", "1", "10.9.0.1");
          if (ipam.type === "host-local") {
            await node.succeed({ ...check, verb: "DEL", plugin: `${DEBIAN_PLUGINS}/host-local` });
            assertStringIncludes(await node.fail(check, 999), "host-local");
          }
          await node.del(pod, config);
        });
        assertEquals(await leases(), before);
      },
    );
  }

  nodeTest(`headcni: ${datapath}: a failed ADD gives host-local its address back`, async (node) => {
    const dataDir = `${node.root}/foreign`;
    const hostLocal = { type: "host-local", dataDir, ranges: [[{ subnet: "10.9.0.0/24" }]] };
    await node.warmUp(network({ datapath, ipam: hostLocal }));
    const before = await listFiles(dataDir);
    const pod = await node.makePod();
    const routes = [{ dst: "192.0.2.0/24", gw: "172.31.0.1" }];
    const config = network({ datapath, ipam: { ...hostLocal, routes } });
    await node.unchangedBy([pod], () => node.fail({ verb: "ADD", pod, config }, 105));
    assertEquals(await listFiles(dataDir), before);
  });

  nodeTest(
    `headcni: ${datapath}: portmap, tuning, bandwidth and firewall come after it`,
    async (node) => {
      const chain = chainOf(datapath, `${node.root}/tuning`);
      // Chains of iptables that portmap and firewall make for themselves stay, as those of the node.
      const warm = await node.makePod();
      await delChain(node, warm, chain, await addChain(node, warm, chain));
      const [pod, peer] = [await node.makePod(), await node.makePod()];
      await node.unchangedBy([pod, peer], async () => {
        const result = await addChain(node, pod, chain);
        const [address = ""] = addressesOf(result).map(bare);
        await checkChain(node, pod, chain, result);
        await checkEffects(node, pod, peer, address);
        await delChain(node, pod, chain, result);
      });
    },
  );
}

/** What each of the neighbours did: a sysctl, an MTU, a rate, a port of the node. */
async function checkEffects(
  node: TestNode,
  pod: TestPod,
  peer: TestPod,
  address: string,
): Promise<void> {
  assertEquals(await pod.run("cat", "/proc/sys/net/core/somaxconn"), "500\n");
  const [link] = await pod.ip("link", "show", "dev", "eth0");
  assertEquals(link?.mtu, 1300);
  assertStringIncludes(await node.host.run("tc", "qdisc"), "tbf");
  const rules = await node.host.run("iptables-save");
  assertStringIncludes(rules, `--to-destination ${address}:80`);
  assert(rules.includes(`-s ${address}/32`), rules);
  await ip(node.host, [
    `link add out0 type veth peer name eth0 netns ${peer.name}`,
    "address add 198.51.100.1/24 dev out0",
    "link set out0 up",
  ]);
  await ip(peer, ["address add 198.51.100.2/24 dev eth0", "link set eth0 up"]);
  await using _server = await tellCallers(pod, { name: "pod" });
  assertEquals(await askTeller(peer, "198.51.100.1", 8080), "pod sees 198.51.100.2");
  await node.host.run("ip", "link", "delete", "out0");
}

/** ADD of each member with the result of those before it, as libcni does. */
async function addChain(
  node: TestNode,
  pod: TestPod,
  chain: readonly Member[],
): Promise<AddResult> {
  let prevResult: AddResult | undefined;
  for (const { config, ...member } of chain) {
    const call = { verb: "ADD", pod, config: { ...config, prevResult }, ...member };
    prevResult = JSON.parse(await node.succeed(call));
  }
  if (!prevResult) throw new Error("Cannot add a chain without members");
  return prevResult;
}

async function checkChain(
  node: TestNode,
  pod: TestPod,
  chain: readonly Member[],
  prevResult: AddResult,
): Promise<void> {
  for (const { config, ...member } of chain) {
    if (config.type === "portmap") continue; // its CHECK of 1.1.1 looks for IPv4 rules in ip6tables
    const call = { verb: "CHECK", pod, config: { ...config, prevResult }, ...member };
    assertEquals(await node.succeed(call), "");
  }
}

/** DEL of each member, the last first. */
async function delChain(
  node: TestNode,
  pod: TestPod,
  chain: readonly Member[],
  prevResult: AddResult,
): Promise<void> {
  for (const { config, ...member } of chain.toReversed()) {
    const call = { verb: "DEL", pod, config: { ...config, prevResult }, ...member };
    assertEquals(await node.succeed(call), "");
  }
}

/** A folder as `CNI_PATH` has it, with our IPAM plugin under its name. */
async function pluginFolder(node: TestNode): Promise<string> {
  const folder = `${node.root}/bin`;
  await Deno.mkdir(folder);
  await Deno.symlink(node.plugin, `${folder}/headcni-ipam`);
  return folder;
}

/** The files below a folder; host-local names those of leases by their addresses. */
async function listFiles(folder: string): Promise<string[]> {
  const text = await run("find", folder, "-type", "f");
  return text.split("\n").toSorted();
}

function foreignIpams(): { readonly type: string }[] {
  const ranges = [[{ subnet: "10.9.0.0/24" }], [{ subnet: "fd00:9::/64" }]];
  const addresses = [
    { address: "10.9.0.9/24", gateway: "10.9.0.1" },
    { address: "fd00:9::9/64", gateway: "fd00:9::1" },
  ];
  const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
  const hostLocal = { type: "host-local", ranges, routes };
  const fixed = { type: "static", addresses, routes };
  return [hostLocal, fixed];
}

/** @param tuned where `tuning` keeps what it changed. */
function chainOf(datapath: string, tuned: string): Member[] {
  const debian = (type: string, keys: NetworkConfig): Member => ({
    config: { cniVersion, name: "pods", type, ...keys },
    plugin: `${DEBIAN_PLUGINS}/${type}`,
  });
  const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
  const bandwidth = { ingressRate: 8_000_000, ingressBurst: 800_000 };
  return [
    { config: network({ datapath }) },
    debian("portmap", { runtimeConfig: { portMappings }, snat: true }),
    debian("tuning", { sysctl: { "net.core.somaxconn": "500" }, mtu: 1300, dataDir: tuned }),
    debian("bandwidth", { runtimeConfig: { bandwidth } }),
    debian("firewall", { backend: "iptables" }),
  ];
}
