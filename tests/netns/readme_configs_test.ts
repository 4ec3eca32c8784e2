/** Does what README says of host ports, delegation, chains, and the subnet file, by pasting it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type PastedConfig, pastedConfigs, pastedFiles, writingFile } from "../fakes/readme.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { askTeller, tellCallers } from "./callers.ts";
import { missingDebian } from "./debian.ts";
import { kernelAddresses, TestNode, type TestPod } from "./plugin.ts";
import { addList, checkList, delList } from "./plugin_list.ts";
import { emptyDirectories } from "./private_mounts.ts";

/** What the chapters say of a network. */
interface Pasted {
  /** Where the subnet file lies that it needs; several are tried in turn. */
  readonly files?: readonly string[];
  /** Of the second pod. */
  readonly addresses: readonly string[];
  /** False where CHECK fails by a fault of Debian's portmap: it looks for its rules among IPv6's. */
  readonly isChecked?: boolean;
  /** Looks at what only this network has, while a pod is up. */
  readonly witness?: (node: TestNode, pod: TestPod) => Promise<void>;
}

const SUBNET_FILES = pastedFiles("The subnet file");
const BY_LINES = "/run/headcni/subnet.env";
const BY_YAML = "/var/lib/headcni/env.yaml";

const IPV4 = ["10.244.1.3/24"];
const BOTH = [...IPV4, "fd00:10:244:1::3/64"];

/** By chapter and name, in their order. */
const NETWORKS: Readonly<Record<string, Readonly<Record<string, Pasted>>>> = {
  Install: { headcni: { addresses: IPV4 } },
  "Host ports and bandwidth": {
    "ports-and-limits": {
      addresses: BOTH,
      witness: async (node) => assertEquals(await countLimits(node), 4),
    },
  },
  "Delegating and chains": {
    delegating: { files: [BY_LINES, BY_YAML], addresses: BOTH },
    chain: {
      addresses: IPV4,
      witness: async (node, pod) => {
        assertEquals(await countLimits(node), 4);
        assertEquals(await pod.run("sysctl", "-n", "net.ipv4.conf.eth0.log_martians"), "1\n");
      },
    },
    "chain-of-others": { files: [BY_LINES], addresses: BOTH, isChecked: false },
  },
  "The subnet file": {
    "by-subnet-file": { files: [BY_LINES, BY_YAML], addresses: BOTH },
  },
};

/** What the runtime has for those who declare it. */
function capabilitiesOf(hostPort: number) {
  return {
    portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }],
    bandwidth: {
      ...{ ingressRate: 80_000_000, ingressBurst: 8_000_000 },
      ...{ egressRate: 80_000_000, egressBurst: 8_000_000 },
    },
  };
}

Deno.test("README: the subnet files are those of this test", () => {
  assertEquals(SUBNET_FILES.map(({ path }) => path), [BY_LINES, BY_YAML]);
});

for (const [chapter, networks] of Object.entries(NETWORKS)) {
  const lists = pastedConfigs(chapter);

  Deno.test(`README: "${chapter}" has a configuration for each row of this test`, () => {
    assertEquals(lists.map(({ name }) => name), Object.keys(networks));
  });

  for (const list of lists) {
    const { files = [""], ...wanted } = networks[list.name] ?? { addresses: [] };
    for (const path of files) {
      const by = path === "" ? "" : ` by ${path}`;
      const name = `README: network "${list.name}" works when pasted${by}`;
      testUnless(missingDebian(), name, () => paste(list, path, wanted));
    }
  }
}

/** Runs two pods by a list that is pasted; the second one is looked at. */
async function paste(
  list: PastedConfig,
  path: string,
  { addresses, isChecked = true, witness }: Pasted,
): Promise<void> {
  await using node = await TestNode.make();
  await using mounts = await emptyDirectories(node);
  await mounts.run(SUBNET_FILES.filter((file) => file.path === path).map(writingFile).join("\n"));
  // Debian's plugins have their own link-local address checked, which takes the kernel a while.
  await node.host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  const common = { node, list, enter: mounts.enter };
  const first = await node.makePod("first");
  await addList({ ...common, pod: first, capabilities: capabilitiesOf(8081) });
  const pod = await node.makePod();
  const call = { ...common, pod, capabilities: capabilitiesOf(8080) };
  await node.unchangedBy([pod], async () => {
    const result = await addList(call);
    assertEquals(await kernelAddresses(pod), addresses);
    if (isChecked) await checkList(call, result);
    {
      await using _server = await tellCallers(pod, { name: "pod" });
      assertStringIncludes(await askTeller(node.host, "10.244.1.1", 8080), "pod sees");
    }
    await witness?.(node, pod);
    await delList(call, result);
  });
}

/** Of both pods. */
async function countLimits(node: TestNode): Promise<number> {
  const queues = await node.host.run("tc", "qdisc", "show");
  return queues.split("\n").filter((line) => line.startsWith("qdisc tbf ")).length;
}
