/**
 * Configurations that users of the older systems have, as they stand, absolute paths included: the
 * plugin runs over an empty /var/lib, /var/log and /run of its own.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { addressesOf, kernelAddresses, type NetworkConfig, nodeTest } from "./plugin.ts";
import type { TestNode } from "./plugin.ts";
import { PrivateMounts } from "./private_mounts.ts";

const FOLDER = new URL("../fixtures/examples/", import.meta.url);

/** Stands for the directories of a test: defaults are used. */
const NO_DIRECTORIES = { HEADCNI_DATA_DIR: "", HEADCNI_RUN_DIR: "", HEADCNI_LOG_FILE: "" };

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
];

const REFUSED: readonly [file: string, code: number, text: string][] = [
  ["headcni-delegate.conf.json", 2, "delegate is not supported by this release"],
  ["headcni-chain.conf.json", 2, "plugins is not supported by this release"],
  // It leaves the node's PodCIDR to a daemon that gave out blocks of the cluster's.
  ["ipam-cni.conf.json", 100, `add "subnet"`],
];

Deno.test("examples: each file has its place here", () => {
  const named = [...ACCEPTED.map(({ file }) => file), ...REFUSED.map(([file]) => file)];
  const present = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name);
  assertEquals(named.toSorted(), present.toSorted());
});

for (const { file, address, mtu, nameservers, isIpam, store } of ACCEPTED) {
  nodeTest(`examples: ${file} works as it stands`, async (node) => {
    const config = await readExample(file);
    const [warm, pod] = [await node.makePod(), await node.makePod()];
    await using mounts = await emptyDirectories(node);
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
      }
      const check = { verb: "CHECK", pod, config: { ...config, prevResult }, ...common };
      assertEquals(await node.succeed(check), "");
      assertEquals(await node.succeed({ ...check, verb: "DEL" }), "");
      assertEquals((await node.call(check)).code, 1);
    });
    assertEquals(await mounts.run("find /var/lib/cni -name '10.*'"), "");
  });
}

for (const [file, code, text] of REFUSED) {
  nodeTest(`examples: ${file} is refused with code ${code}`, async (node) => {
    const config = await readExample(file);
    const pod = await node.makePod();
    await node.unchangedBy([pod], async () => {
      assertStringIncludes(await node.fail({ verb: "ADD", pod, config }, code), text);
      await node.del(pod, config);
    });
  });
}

/** A configuration as the runtime sends it: of a list the first plugin, with the list's own keys. */
async function readExample(file: string): Promise<NetworkConfig> {
  const { plugins, ...rest }: { plugins?: NetworkConfig[] } = JSON.parse(
    await Deno.readTextFile(new URL(file, FOLDER)),
  );
  return file.endsWith(".conflist.json") ? { ...plugins?.[0], ...rest } : { plugins, ...rest };
}

/** Empty directories in the place of the machine's, but for the namespaces of the test. */
function emptyDirectories({ root }: TestNode): Promise<PrivateMounts> {
  return PrivateMounts.make(`
    mkdir ${root}/mounted
    mount -t tmpfs hct ${root}/mounted
    mkdir ${root}/mounted/netns
    mount --rbind /run/netns ${root}/mounted/netns
    mount --rbind ${root}/mounted /run
    mount -t tmpfs hct /var/lib
    mount -t tmpfs hct /var/log
    mkdir /var/lib/cni`);
}
