/** What was attached by one configuration and ends by another, or with trouble on the way. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostLinkName, ifbName } from "../../lib/pod/identity.ts";
import { network, type NetworkConfig, nodeTest, SUBNETS, type TestPod } from "./plugin.ts";
import { printFailure, printResult, ShellPlugins } from "../fakes/shell_plugins.ts";

const PORT = { portMappings: [{ hostPort: 8080, containerPort: 80 }] };
const LIMITS = { bandwidth: { egressRate: 8_000_000, egressBurst: 800_000 } };
const IPAM = { type: "headcni-ipam", ranges: [[{ subnet: SUBNETS[4] }]] };

function chain(plugins: readonly unknown[], keys: NetworkConfig = {}): NetworkConfig {
  return { cniVersion: "1.1.0", name: "pods", type: "headcni", plugins, ...keys };
}

function linksOf(pod: TestPod): string[] {
  const key = { network: "pods", containerId: pod.name, ifname: "eth0" };
  return [hostLinkName(key), ifbName(key)];
}

nodeTest("headcni: a pod of our own links ends by a configuration that delegates", async (node) => {
  const shell = await ShellPlugins.make(node, { other: {} });
  const config = network({ runtimeConfig: { ...PORT, ...LIMITS } });
  await node.warmUp(config);
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    await node.add(pod, config);
    await node.del(pod, chain([{ type: "other" }]), { CNI_PATH: shell.path });
    const links = await node.host.run("ip", "-o", "link", "show");
    for (const link of linksOf(pod)) assertEquals(links.includes(link), false, link);
  });
});

nodeTest(
  "headcni: a store that cannot be opened keeps no host port, and no failure of a member",
  async (node) => {
    const shell = await ShellPlugins.make(node, {
      other: { ADD: printResult("10.9.0.2/24"), DEL: printFailure(7, "still busy") },
    });
    const env = { CNI_PATH: shell.path };
    const pod = await node.makePod();
    const config = network({ runtimeConfig: PORT });
    await node.add(pod, config);
    const state = `${node.dataDirectory}/state.kv`;
    await Deno.rename(state, `${state}.kept`);
    await Deno.mkdir(state);
    await node.del(pod, config);
    const ports = await node.host.run("nft", "list", "map", "inet", "headcni", "hostports4");
    assertEquals(ports.includes("8080"), false);
    const text = await node.fail({ verb: "DEL", pod, config: chain([{ type: "other" }]), env }, 7);
    assertStringIncludes(text, "still busy");
  },
);

nodeTest("chain: a member that does not end keeps no host port from the next pod", async (node) => {
  const shell = await ShellPlugins.make(node, {
    other: { ADD: printResult("10.9.0.2/24"), DEL: printFailure(7, "never") },
  });
  const env = { CNI_PATH: shell.path };
  const config = chain([{ type: "headcni", ipam: IPAM }, { type: "other" }], {
    runtimeConfig: PORT,
  });
  const [one, two] = [await node.makePod(), await node.makePod()];
  await node.add(one, config, env);
  await node.fail({ verb: "DEL", pod: one, config, env }, 7);
  await node.add(two, network({ runtimeConfig: PORT }, [4]));
  await ShellPlugins.make(node, { other: {} });
  await node.del(one, config, env);
  const ports = await node.host.run("nft", "list", "map", "inet", "headcni", "hostports4");
  assertStringIncludes(ports, "8080");
});

nodeTest(
  "chain: when the DEL before another try fails, the runtime hears of the ADD",
  async (node) => {
    const shell = await ShellPlugins.make(node, {
      busy: { ADD: printFailure(11, "busy now"), DEL: printFailure(7, "del bad") },
    });
    const pod = await node.makePod();
    const call = { verb: "ADD", pod, config: chain([{ type: "busy" }]) };
    assertStringIncludes(
      await node.fail({ ...call, env: { CNI_PATH: shell.path } }, 11),
      "busy now",
    );
  },
);

nodeTest("delegate: CHECK of a recorded one needs no subnet file", async (node) => {
  const shell = await ShellPlugins.make(node, { other: { ADD: printResult("10.244.7.2/24") } });
  const variables = { HEADCNI_NETWORK: "10.244.0.0/16", HEADCNI_SUBNET: "10.244.7.0/24" };
  const env = { CNI_PATH: shell.path, HEADCNI_SUBNET_FILE: `${node.root}/none` };
  const config = {
    cniVersion: "1.1.0",
    name: "pods",
    type: "headcni",
    delegate: { type: "other" },
  };
  const pod = await node.makePod();
  const prevResult = await node.add(pod, config, { ...env, ...variables });
  await node.succeed({ verb: "CHECK", pod, config: { ...config, prevResult }, env });
  await node.succeed({ verb: "GC", config, env });
});

nodeTest("chain: an ADD that is stuck takes no bridge that it does not want", async (node) => {
  const shell = await ShellPlugins.make(node, {
    other: { ADD: printFailure(7, "no"), DEL: printFailure(7, "never") },
  });
  const [stuck, pod] = [await node.makePod(), await node.makePod()];
  const env = { CNI_PATH: shell.path };
  await node.warmUp(network({ ipam: { ...IPAM, ranges: [[{ subnet: "10.8.0.0/24" }]] } }));
  await node.fail({ verb: "ADD", pod: stuck, config: chain([{ type: "other" }]), env }, 7);
  await node.add(pod, network());
});
