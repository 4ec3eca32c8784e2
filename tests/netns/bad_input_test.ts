/**
 * What the network plugin cannot work with: one error object of the right code, and kernel and
 * store are as they were. What needs no kernel is in `tests/cli/protocol_test.ts`.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { network, type NetworkConfig, nodeTest, type PluginCall, type TestNode } from "./plugin.ts";
import { PrivateMounts } from "./private_mounts.ts";

/** A call that must fail: what is wrong with it, the code, and a part of the text. */
type BadCall = readonly [call: Omit<PluginCall, "verb">, code: number, text: string];

/** A pod in the way, so that there is something to break. */
async function makeNeighbour(node: TestNode) {
  const pod = await node.makePod();
  await node.add(pod, network());
  return pod;
}

async function assertRefused(node: TestNode, verb: string, cases: readonly BadCall[]) {
  const [neighbour, pod] = [await makeNeighbour(node), await node.makePod()];
  await node.unchangedBy([neighbour, pod], async () => {
    for (const [call, code, text] of cases) {
      assertStringIncludes(await node.fail({ pod, ...call, verb }, code), text);
    }
  });
}

nodeTest("headcni: standard input that is none changes nothing", async (node) => {
  const binary = crypto.getRandomValues(new Uint8Array(65_536));
  const huge = JSON.stringify(network({ padding: "x".repeat(10 * 2 ** 20) }));
  const inputs: PluginCall["config"][] = ["", "garbage", "[]", "{", binary, huge];
  for (const verb of ["ADD", "CHECK", "DEL"]) {
    await assertRefused(node, verb, inputs.map((config) => [{ config }, 6, "Cannot decode"]));
  }
});

nodeTest("headcni: an environment with faults changes nothing", async (node) => {
  const config = network();
  const env = (name: string, value: string, text: string): BadCall => [
    { config, env: { [name]: value } },
    4,
    text,
  ];
  await assertRefused(node, "ADD", [
    ...["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"].map((name) =>
      env(name, "", `required env variables [${name}] missing`)
    ),
    env("CNI_CONTAINERID", "../../etc", "containerID"),
    env("CNI_CONTAINERID", "x".repeat(300), "too long"),
    env("CNI_IFNAME", "a/b", "interface name"),
    env("CNI_IFNAME", "..", "interface name"),
    env("CNI_IFNAME", "eth0 up", "interface name"),
    env("CNI_IFNAME", "e".repeat(16), "too long"),
    env("CNI_ARGS", "IP", `no pair`),
    env("CNI_ARGS", "UNKNOWN=1", "UNKNOWN"),
  ]);
});

nodeTest("headcni: a namespace that is none, or the node's own, is code 8", async (node) => {
  await Deno.mkdir(`${node.root}/directory`);
  await Deno.writeTextFile(`${node.root}/file`, "");
  const paths = [
    `${node.root}/directory`,
    `${node.root}/file`,
    `${node.root}/gone`,
    "/proc/self/ns/mnt",
    "/dev/null",
    "/proc/self/ns/net",
    node.host.path,
  ];
  for (const verb of ["ADD", "CHECK"]) {
    const config = network({ prevResult: { cniVersion: "1.0.0", interfaces: [], ips: [] } });
    await assertRefused(
      node,
      verb,
      paths.map((path) => [{ config, env: { CNI_NETNS: path } }, 8, path]),
    );
  }
});

nodeTest("headcni: the node's own namespace is refused before any work", async (node) => {
  const pod = await node.makePod();
  const env = { CNI_NETNS: node.host.path };
  await node.fail({ verb: "ADD", pod, config: network(), env }, 8);
  const entries = Array.from(Deno.readDirSync(node.root), ({ name }) => name);
  assertEquals(entries.filter((name) => name === "data"), []);
});

nodeTest("headcni: addresses that make no sense change nothing", async (node) => {
  const ipam = (section: NetworkConfig, text: string, code = 7): BadCall => [
    { config: network({ ipam: { type: "headcni-ipam", ...section } }) },
    code,
    text,
  ];
  const subnetFile = `${node.root}/gone`;
  const twice = [[{ subnet: "10.1.0.0/16" }], [{ subnet: "10.1.2.0/24" }]];
  await assertRefused(node, "ADD", [
    ipam({ subnet: "10.1.0.0/31" }, "10.1.0.0/31"),
    ipam({ subnet: "10.1.0.1/24" }, "host bits set"),
    ipam({ subnet: "10.1.0.0/24", rangeStart: "10.2.0.1" }, "10.2.0.1"),
    ipam({ subnet: "10.1.0.0/24", gateway: "nowhere" }, "nowhere"),
    ipam({ ranges: twice }, "overlaps"),
    ipam({ subnet: "10.1.0.0/24", routes: [{ dst: "nonsense" }] }, "nonsense"),
    ipam({ subnet: "10.1.0.0/24", resolvConf: "/nowhere/resolv.conf" }, "/nowhere/resolv.conf"),
    ipam({ subnet: "10.1.0.0/24", dataDir: "relative" }, "relative"),
    [{ config: network({ ipam: { type: "headcni-ipam" }, subnetFile }) }, 100, subnetFile],
    [{ config: network({ ipam: undefined, subnetFile }) }, 100, `give "ipam"`],
    [{ config: network({ ipam: { type: "headcni" } }) }, 7, "headcni-ipam"],
    [{ config: network({ ipam: { type: "../bin/sh" } }) }, 7, "../bin/sh"],
  ]);
});

nodeTest("headcni: a known key of a wrong type is named with its value", async (node) => {
  const wrong: NetworkConfig = {
    datapath: "vxlan",
    bridge: "a name of far too many bytes",
    isGateway: "yes",
    ipMasq: 1,
    mtu: "1500",
    hairpinMode: "on",
    mac: "01:00:5e:00:00:01",
    pod_cidr: ["10.0.0.0/33"],
    service_cidr: 5,
    enable_ipv6: "true",
    dns: { nameservers: "10.0.0.1" },
    magic_dns: { enable: "on" },
    dataDir: 1,
    logFile: [],
    logLevel: "loud",
  };
  const single = Object.entries(wrong).map(([key, value]): BadCall => [
    { config: network({ [key]: value }) },
    7,
    key,
  ]);
  await assertRefused(node, "ADD", [
    ...single,
    [{ config: network(wrong) }, 7, `mtu: `],
    [{ config: network({ mtu: "1500" }) }, 7, `got "1500"`],
    [{ config: network({ delegate: "bridge" }) }, 7, "delegate"],
  ]);
});

nodeTest("headcni: a full and a read-only store fail an ADD cleanly", async (node) => {
  const data = node.dataDirectory;
  await Deno.mkdir(data);
  await using mounts = await PrivateMounts.make(`mount -t tmpfs -o size=1m hct ${data}`);
  const { enter } = mounts;
  const config = network();
  const [kept, pod] = [await node.makePod(), await node.makePod()];
  const prevResult = JSON.parse(await node.succeed({ verb: "ADD", pod: kept, config, enter }));
  const check = { verb: "CHECK", pod: kept, config: { ...config, prevResult }, enter };
  const add = { verb: "ADD", pod, config, enter };
  const states: [breaking: string, mending: string][] = [
    [`head -c 2m /dev/zero > ${data}/filler || true`, `rm ${data}/filler`],
    [`mount -o remount,ro ${data}`, `mount -o remount,rw ${data}`],
  ];
  for (const [breaking, mending] of states) {
    await mounts.run(breaking);
    await node.unchangedBy([kept, pod], async () => {
      assertStringIncludes(await node.fail(add, 103), data);
    });
    await mounts.run(mending);
    assertEquals(await node.succeed(check), "");
    await node.succeed(add);
    await node.succeed({ ...add, verb: "DEL" });
  }
});
