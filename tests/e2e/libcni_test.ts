/** Every verb as a runtime with the real libcni calls it, over ours and Debian's plugins. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestNetns } from "../netns/namespace.ts";
import {
  addressesOf,
  assertSameLines,
  bare,
  kernelAddresses,
  SUBNETS,
  type TestPod,
} from "../netns/plugin.ts";
import { type Libcni, libcniTest, type PluginList } from "./libcni.ts";
import {
  BOTH,
  DEBIAN_LAST,
  GATEWAYS,
  headcni,
  type Network,
  NETWORKS,
  VERSIONS,
} from "./libcni_networks.ts";

/** The first one with CHECK. */
const FIRST_WITH_CHECK = "0.4.0";

/** The first one with STATUS, and with GC. */
const FIRST_WITH_STATUS = "1.1.0";

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

/** What speaks every version; a family less would tell no more. */
const OURS = NETWORKS.filter(({ to, families }) => to === undefined && families === BOTH);

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

  libcniTest(`${network.name}: DEL after the namespace is gone`, async (libcni) => {
    await warmUp(libcni, list, await libcni.makePod());
    const before = await libcni.snapshot([]);
    await libcni.del(await addAndLose(libcni));
    assertSameLines(await libcni.snapshot([]), before);
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

/** Adds a pod, and removes its namespace; answers what it was. */
async function addAndLose(libcni: Libcni): Promise<Pick<TestPod, "path">> {
  await using pod = await TestNetns.make("dead");
  await libcni.add(pod);
  return { path: pod.path };
}

async function ping(from: Pick<TestPod, "run">, address: string): Promise<void> {
  await from.run("ping", "-c", "1", "-W", "5", address);
}
