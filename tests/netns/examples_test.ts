/**
 * Configurations that users of the older systems have, as they stand, absolute paths included: the
 * plugin runs over an empty /var/lib, /var/log and /run of its own.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { DEFAULT_SUBNET_FILES } from "../../lib/discovery/subnet_file.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { askTeller, tellCallers } from "./callers.ts";
import { missingDebian } from "./debian.ts";
import type { TestNetns } from "./namespace.ts";
import { addressesOf, kernelAddresses, type NetworkConfig, TestNode } from "./plugin.ts";
import { emptyDirectories, type PrivateMounts } from "./private_mounts.ts";

const FOLDER = new URL("../fixtures/examples/", import.meta.url);

/** Stands for the directories of a test: defaults are used. */
const NO_DIRECTORIES = { HEADCNI_DATA_DIR: "", HEADCNI_RUN_DIR: "", HEADCNI_LOG_FILE: "" };

const YAML_FILE = "network: 10.244.0.0/16\nsubnet: 10.244.3.0/24\nmtu: 1400\n";

/** Subnet files in the places where they are looked for, each in its form. */
const SUBNET_FILES = {
  "/run/headcni/subnet.env":
    "HEADCNI_NETWORK=10.244.0.0/16\nHEADCNI_SUBNET=10.244.3.1/24\nHEADCNI_MTU=1400\n",
  "/run/headcni/env.yaml": YAML_FILE,
  "/var/lib/headcni/env.yaml": YAML_FILE,
};

/** As runtimes send it. */
const RUNTIME_CONFIG = {
  portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
};

/** How CHECK of portmap 1.1.1 fails whenever there is IPv4: it looks for its rules among IPv6's. */
const PORTMAP_FAULT = `Cannot run plugin "portmap": could not check ipv6 dnat`;

/** What becomes of an example. */
interface Example {
  readonly file: string;
  /** First address of the first pod. */
  readonly address: string;
  readonly mtu?: number;
  readonly nameservers?: readonly string[];
  /** Gives addresses only: it makes no link. */
  readonly isIpam?: true;
  /** Where the leases are: the default, or what the file says. */
  readonly store: string;
  /** Where the subnet file is that it needs. */
  readonly subnetFile?: keyof typeof SUBNET_FILES;
  /** What the runtime sends with it. */
  readonly runtimeConfig?: NetworkConfig;
  /** What CHECK of a sound pod says nevertheless, by a fault of another plugin. */
  readonly checkFault?: string;
}

const DNS = ["10.96.0.10"];
const STORE = "/var/lib/headcni/state.kv";
const NAMED_STORE = "/var/lib/cni/networks/headcni/state.kv";

const ACCEPTED: readonly Example[] = [
  {
    file: "headcni-with-headcni-ipam.conf.json",
    address: "10.244.0.2/24",
    mtu: 1420,
    nameservers: DNS,
    store: STORE,
  },
  {
    file: "headcni-with-host-local.conf.json",
    address: "10.244.0.10/24",
    mtu: 1420,
    nameservers: DNS,
    store: "/var/lib/cni/networks/tailscale-cni/10.244.0.10",
  },
  {
    file: "headcni-generated.conflist.json",
    address: "10.244.1.2/24",
    mtu: 1280,
    store: "/var/lib/cni/networks/headcni/10.244.1.2",
  },
  { file: "headcni-ipam.conflist.json", address: "10.244.0.2/16", mtu: 1500, store: NAMED_STORE },
  {
    file: "headcni-ipam-ranges.conf.json",
    address: "10.244.0.2/16",
    isIpam: true,
    store: NAMED_STORE,
  },
  {
    file: "headcni-ipam-subnet.conf.json",
    address: "10.244.0.2/16",
    isIpam: true,
    store: NAMED_STORE,
  },
  {
    file: "headcni-delegate.conf.json",
    address: "10.244.3.2/24",
    mtu: 1400,
    store: "/var/lib/cni/networks/headcni-network/10.244.3.2",
    subnetFile: "/var/lib/headcni/env.yaml",
  },
  {
    file: "headcni-chain.conf.json",
    address: "10.244.3.2/24",
    mtu: 1400,
    store: "/var/lib/cni/networks/headcni-chain/10.244.3.2",
    subnetFile: "/run/headcni/subnet.env",
    runtimeConfig: RUNTIME_CONFIG,
    checkFault: PORTMAP_FAULT,
  },
  // It left the node's PodCIDR to a daemon that gave out blocks of the cluster's.
  {
    file: "ipam-cni.conf.json",
    address: "10.244.3.2/24",
    mtu: 1400,
    store: STORE,
    subnetFile: "/run/headcni/env.yaml",
  },
];

/** Which files were looked for. */
const NO_SUBNET_FILE = `Cannot find a subnet file: there is none at ${
  DEFAULT_SUBNET_FILES.map((path) => `"${path}"`).join(", ")
}`;

Deno.test("examples: each file has its place here", () => {
  const named = ACCEPTED.map(({ file }) => file);
  const present = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name);
  assertEquals(named.toSorted(), present.toSorted());
});

for (const example of ACCEPTED) {
  const { file, address, mtu, nameservers, isIpam, store, subnetFile } = example;
  exampleTest(`${file} works as it stands`, async (node, mounts) => {
    if (subnetFile) await mounts.run(writeSubnetFile(subnetFile));
    const config = { ...await readExample(file), runtimeConfig: example.runtimeConfig };
    const [warm, pod] = [await node.makePod(), await node.makePod()];
    const common = { enter: mounts.enter, env: NO_DIRECTORIES };
    const first = await node.succeed({ verb: "ADD", pod: warm, config, ...common });
    assertEquals(addressesOf(JSON.parse(first)), [address]);
    await mounts.run(`test -f ${store} && test -f /var/log/headcni/plugin.log`);
    await node.succeed({ verb: "DEL", pod: warm, config, ...common });
    await node.unchangedBy([pod], async () => {
      const prevResult = JSON.parse(await node.succeed({ verb: "ADD", pod, config, ...common }));
      assertEquals(prevResult.dns?.nameservers, nameservers);
      if (!isIpam) {
        const [link] = await pod.ip("link", "show", "dev", "eth0");
        assertEquals(await kernelAddresses(pod), addressesOf(prevResult));
        assertEquals(link?.mtu, mtu);
        if (example.runtimeConfig) await assertHostPortLeadsTo(pod, node);
      }
      const check = { verb: "CHECK", pod, config: { ...config, prevResult }, ...common };
      // Members after one that fails are asked nevertheless.
      if (!example.checkFault) assertEquals(await node.succeed(check), "");
      else assertStringIncludes(await node.fail(check, 999), example.checkFault);
      assertEquals(await node.succeed({ ...check, verb: "DEL" }), "");
      assertEquals((await node.call(check)).code, 1);
    });
    assertEquals(await mounts.run("find /var/lib/cni -name '10.*'"), "");
  });
}

for (const { file } of ACCEPTED.filter(({ subnetFile }) => subnetFile !== undefined)) {
  exampleTest(`${file} without a subnet file says where it looked`, async (node, mounts) => {
    const config = await readExample(file);
    const pod = await node.makePod();
    const common = { pod, config, enter: mounts.enter, env: NO_DIRECTORIES };
    await node.unchangedBy([pod], async () => {
      assertStringIncludes(await node.fail({ verb: "ADD", ...common }, 100), NO_SUBNET_FILE);
      assertEquals(await node.succeed({ verb: "DEL", ...common }), "");
    });
    assertEquals(await mounts.run("find /var/lib/cni -type f"), "");
  });
}

/** Registers a test with directories of its own. */
function exampleTest(
  name: string,
  fn: (node: TestNode, mounts: PrivateMounts) => Promise<void>,
): void {
  testUnless(missingDebian(), `examples: ${name}`, async () => {
    await using node = await TestNode.make();
    // Debian's bridge has its own link-local address checked, which takes the kernel a while.
    await node.host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
    await node.host.run("ip", "link", "set", "lo", "up");
    await using mounts = await emptyDirectories(node);
    await fn(node, mounts);
  });
}

/** As lines of shell. */
function writeSubnetFile(path: keyof typeof SUBNET_FILES): string {
  return `mkdir -p ${path.slice(0, path.lastIndexOf("/"))}
    printf '%s' '${SUBNET_FILES[path]}' >${path}`;
}

/** Connects to {@linkcode RUNTIME_CONFIG}'s port of the node. */
async function assertHostPortLeadsTo(pod: TestNetns, { host }: TestNode): Promise<void> {
  await using _server = await tellCallers(pod, { name: "pod" });
  assertEquals(await askTeller(host, "127.0.0.1", 8080), "pod sees 10.244.3.1");
}

/** A configuration as the runtime sends it: of a list the first plugin, with the list's own keys. */
async function readExample(file: string): Promise<NetworkConfig> {
  const { plugins, ...rest }: { plugins?: NetworkConfig[] } = JSON.parse(
    await Deno.readTextFile(new URL(file, FOLDER)),
  );
  return file.endsWith(".conflist.json") ? { ...plugins?.[0], ...rest } : { plugins, ...rest };
}
