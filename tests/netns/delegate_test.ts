/** Delegation to another plugin, by what the subnet file says: Debian's bridge, and shell plugins. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { missingDebian } from "./debian.ts";
import { kernelAddresses, type NetworkConfig, nodeTest, TestNode, type TestPod } from "./plugin.ts";
import { printFailure, printResult, ShellPlugins } from "../fakes/shell_plugins.ts";

const ENV_FILE = `HEADCNI_NETWORK=10.244.0.0/16
HEADCNI_SUBNET=10.244.7.1/24
HEADCNI_MTU=1400
HEADCNI_IPMASQ=false
`;

const YAML_FILE = `# written by the daemon
network: "10.244.0.0/16"
subnet: 10.244.7.0/24
ipv6_network: fd00:244::/48
ipv6_subnet: fd00:244:0:7::/64
mtu: 1400
ipmasq: true
metadata:
  node_name: edge-7
  service_cidr: 10.96.0.0/12
routes:
  - dst: 10.96.0.0/12
dns:
  nameservers: [10.96.0.10]
  search:
    - cluster.local
`;

/** A network that delegates to Debian's bridge, with all state below the node's folder. */
function delegating(node: TestNode, keys: NetworkConfig = {}): NetworkConfig {
  return {
    cniVersion: "1.0.0",
    name: "pods",
    type: "headcni",
    delegate: { type: "bridge", bridge: "cni0" },
    ipam: { dataDir: `${node.root}/host-local` },
    ...keys,
  };
}

async function writeSubnetFile(node: TestNode, text: string): Promise<Record<string, string>> {
  const path = `${node.root}/subnet.env`;
  await Deno.writeTextFile(path, text);
  return { HEADCNI_SUBNET_FILE: path };
}

/** Registers a test with Debian's plugins on a fresh node. */
function debianTest(name: string, fn: (node: TestNode) => Promise<void>): void {
  testUnless(missingDebian(), name, async () => {
    await using node = await TestNode.make();
    // Debian's bridge has its own link-local address checked, which takes the kernel a while.
    await node.host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
    await fn(node);
  });
}

for (const [form, file] of [["KEY=value", ENV_FILE], ["YAML", YAML_FILE]] as const) {
  debianTest(`delegate: Debian's bridge by a subnet file of ${form}`, async (node) => {
    const env = await writeSubnetFile(node, file);
    const config = delegating(node);
    await node.add(await node.makePod(), config, env);
    const pod = await node.makePod();
    const before = await hostLocalFiles(node);
    await node.unchangedBy([pod], async () => {
      const prevResult = await node.add(pod, config, env);
      assertEquals((await kernelAddresses(pod))[0], "10.244.7.3/24");
      const [link] = await pod.ip("link", "show", "dev", "eth0");
      assertEquals(link?.mtu, 1400);
      await ping(pod, "10.244.7.1");
      if (form === "YAML") {
        assertEquals(prevResult.dns?.nameservers, ["10.96.0.10"]);
        await ping(pod, "fd00:244:0:7::1");
      }
      await node.succeed({ verb: "CHECK", pod, config: { ...config, prevResult }, env });
      // The file need not be there for DEL, nor what it said.
      await node.del(pod, config);
    });
    assertEquals(await hostLocalFiles(node), before);
  });
}

debianTest(
  "delegate: masquerade is the delegate's, unless the file says that it is done",
  async (node) => {
    const pod = await node.makePod();
    for (const [ipMasq, wanted] of [["false", true], ["true", false]] as const) {
      const env = {
        ...await writeSubnetFile(node, ENV_FILE),
        HEADCNI_IPMASQ: ipMasq,
      };
      await node.add(pod, delegating(node), env);
      const rules = await node.host.run("iptables-save", "-t", "nat");
      assertEquals(rules.includes("MASQUERADE"), wanted);
      await node.del(pod, delegating(node), env);
    }
  },
);

debianTest("delegate: a failed ADD leaves nothing of the delegate's", async (node) => {
  const env = await writeSubnetFile(node, ENV_FILE);
  const pod = await node.makePod();
  await node.add(pod, delegating(node), env);
  const other = await node.makePod();
  const before = await hostLocalFiles(node);
  await node.unchangedBy([pod, other], async () => {
    // Debian's bridge sees that only when it has an address and a link.
    const moved = { ...env, HEADCNI_SUBNET: "10.244.8.0/24" };
    const call = { verb: "ADD", pod: other, config: delegating(node), env: moved };
    const text = await node.fail(call, 999);
    assertStringIncludes(text, 'Cannot run plugin "bridge"');
    // It fails its first DEL, for a chain of iptables that it has not made; a runtime sends another.
    await node.del(other, delegating(node), env);
  });
  assertEquals(await hostLocalFiles(node), before);
});

debianTest("delegate: below Debian's bridge our own addresses", async (node) => {
  const env = {
    ...await writeSubnetFile(node, ENV_FILE),
    CNI_PATH: `${node.root}/bin:/usr/lib/cni`,
  };
  await Deno.mkdir(`${node.root}/bin`);
  await Deno.symlink(node.plugin, `${node.root}/bin/headcni-ipam`);
  const config = delegating(node, { ipam: { type: "headcni-ipam" } });
  const pod = await node.makePod();
  const result = await node.add(pod, config, env);
  assertEquals(result.ips?.map(({ address }) => address), ["10.244.7.2/24"]);
  assertStringIncludes(await node.storeText(), "lease");
  await node.del(pod, config, env);
  assertEquals(await node.storeText(), "");
});

nodeTest("delegate: it gets what the runtime sent, and what the file says", async (node) => {
  const shell = await ShellPlugins.make(node, { custom: { ADD: printResult("10.244.7.2/24") } });
  const env = { ...await writeSubnetFile(node, ENV_FILE), CNI_PATH: shell.path };
  const runtimeConfig = { bandwidth: { ingressRate: 1000 } };
  const prevResult = { cniVersion: "1.1.0", ips: [{ address: "10.5.0.2/24" }] };
  const config = {
    cniVersion: "1.1.0",
    name: "pods",
    type: "headcni",
    delegate: { type: "custom", own: true },
    ipam: { extra: 1 },
    runtimeConfig,
  };
  const pod = await node.makePod();
  await node.add(pod, { ...config, prevResult }, env);
  const rendered = {
    cniVersion: "1.1.0",
    name: "pods",
    type: "custom",
    own: true,
    mtu: 1400,
    ipMasq: true,
    ipam: { type: "host-local", extra: 1, ranges: [[{ subnet: "10.244.7.0/24" }]] },
    runtimeConfig,
  };
  const [add] = await shell.takeCalls();
  const { ipam, ...rest } = add?.config ?? {};
  assertEquals(rest, { ...omit(rendered, "ipam"), prevResult });
  assertEquals(omit(Object(ipam), "routes"), rendered.ipam);
  for (const verb of ["STATUS", "GC"]) await node.succeed({ verb, config, env });
  await node.succeed({ verb: "CHECK", pod, config: { ...config, prevResult }, env });
  await node.del(pod, config, env);
  const verbs = (await shell.takeCalls()).map(({ verb }) => verb);
  assertEquals(verbs, ["STATUS", "GC", "CHECK", "DEL"]);
});

nodeTest("delegate: what cannot be used is refused, and DEL has nothing to do", async (node) => {
  const pod = await node.makePod();
  const env = await writeSubnetFile(node, ENV_FILE);
  const none = { HEADCNI_SUBNET_FILE: `${node.root}/none` };
  const cases: [keys: NetworkConfig, env: Record<string, string>, code: number, text: string][] = [
    [{ delegate: "bridge" }, env, 7, "delegate"],
    [{ delegate: { type: 1 } }, env, 7, "delegate"],
    [{ delegate: { name: "x" } }, env, 7, "it'll be set by headcni"],
    [{ delegate: { ipam: {} } }, env, 7, "it'll be set by headcni"],
    [{ delegate: { type: "headcni" } }, env, 7, "it would call itself"],
    [{ ipam: { type: "headcni" } }, env, 7, "headcni"],
    [{ plugins: [{ type: "portmap" }] }, env, 7, "plugins"],
    [{ delegate: { type: "none" } }, env, 107, `Cannot find plugin "none"`],
    [{}, none, 100, `${node.root}/none`],
  ];
  await node.unchangedBy([pod], async () => {
    for (const [keys, env, code, text] of cases) {
      const config = delegating(node, keys);
      assertStringIncludes(await node.fail({ verb: "ADD", pod, config, env }, code), text);
      await node.del(pod, config, env);
    }
  });
});

/** What a delegate may do wrong, the code of the answer, and a part of its text. */
const BAD_DELEGATES: readonly [lines: string, code: number, text: string][] = [
  ["exit 3", 107, "exit code 3 without an error object"],
  ["kill -SEGV $$", 107, "ended by SIGSEGV"],
  ["echo rubbish", 107, "it printed no JSON"],
  ["yes | head -c 10000000", 107, "it printed no JSON"],
  [`echo '{"code":9,"msg":"lying"}'`, 9, "lying"],
  [`echo '{"cniVersion":"9.9.9"}'`, 7, "cniVersion"],
  [printFailure(42, "said so"), 42, "said so"],
];

for (const [lines, code, text] of BAD_DELEGATES) {
  nodeTest(`delegate: one that does "${lines}" on ADD is named, and undone`, async (node) => {
    const shell = await ShellPlugins.make(node, { bad: { ADD: lines } });
    const env = { ...await writeSubnetFile(node, ENV_FILE), CNI_PATH: shell.path };
    const config = delegating(node, { delegate: { type: "bad" } });
    const pod = await node.makePod();
    await node.unchangedBy([pod], async () => {
      const said = await node.fail({ verb: "ADD", pod, config, env }, code);
      assertStringIncludes(said, text);
      assertStringIncludes(said, `"bad"`);
      await node.del(pod, config, env);
    });
    const verbs = (await shell.takeCalls()).map(({ verb }) => verb);
    assertEquals(verbs.slice(0, 2), ["ADD", "DEL"]);
  });
}

nodeTest("delegate: a result of another version is turned into ours", async (node) => {
  const old = `echo '{"cniVersion":"0.2.0","ip4":{"ip":"10.244.7.9/24"}}'`;
  const shell = await ShellPlugins.make(node, { old: { ADD: old } });
  const env = { ...await writeSubnetFile(node, ENV_FILE), CNI_PATH: shell.path };
  const config = delegating(node, { delegate: { type: "old" } });
  const result = await node.add(await node.makePod(), config, env);
  assertEquals([result.cniVersion, result.ips?.[0]?.address], ["1.0.0", "10.244.7.9/24"]);
});

nodeTest("native: a configuration without a range takes that of the subnet file", async (node) => {
  const env = await writeSubnetFile(node, YAML_FILE);
  const config = { cniVersion: "1.0.0", name: "pods", type: "headcni" };
  const pod = await node.makePod();
  await node.add(pod, config, env);
  assertEquals(await kernelAddresses(pod), ["10.244.7.2/24", "fd00:244:0:7::2/64"]);
  const [link] = await pod.ip("link", "show", "dev", "eth0");
  assertEquals(link?.mtu, 1400);
  const rules = await node.host.run("nft", "list", "table", "inet", "headcni");
  assertStringIncludes(rules, "10.244.0.0/16");
  await ping(pod, "10.244.7.1");
  // What ADD took from the file counts, whatever became of that.
  await node.del(pod, config);
  assertEquals(await node.storeText(), "");
});

nodeTest("native: without range and subnet file the error says who writes it", async (node) => {
  const env = { HEADCNI_SUBNET_FILE: `${node.root}/none` };
  const config = { cniVersion: "1.1.0", name: "pods", type: "headcni" };
  const pod = await node.makePod();
  for (const verb of ["ADD", "STATUS"]) {
    const text = await node.fail({ verb, pod, config, env }, verb === "ADD" ? 100 : 50);
    assertStringIncludes(text, "daemon");
  }
  await node.del(pod, config, env);
});

nodeTest("delegate: a pod from before there was one goes as it came", async (node) => {
  const env = await writeSubnetFile(node, ENV_FILE);
  const native = { cniVersion: "1.0.0", name: "pods", type: "headcni" };
  await node.add(await node.makePod(), native, env);
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    await node.add(pod, native, env);
    await node.del(pod, delegating(node), env);
  });
});

async function ping(pod: TestPod, address: string): Promise<void> {
  await pod.run("ping", "-n", "-q", "-c", "1", "-W", "5", address);
}

/** The leases of Debian's host-local, and what it remembers beside them. */
async function hostLocalFiles(node: TestNode): Promise<string[]> {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(`${node.root}/host-local/pods`)) files.push(name);
  return files.filter((name) => /^[\d]/.test(name)).sort();
}

function omit(object: object, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
