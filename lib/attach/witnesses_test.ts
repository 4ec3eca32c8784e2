import { assertEquals, assertRejects } from "@std/assert";
import { hostLink, listedHost } from "../../tests/fakes/listed_host.ts";
import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import { parseNetworkConfig } from "../cni/network_config.ts";
import { cacheFileName } from "../cni/result_cache.ts";
import { HeadcniError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import type { Link } from "../net/link.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { formatAlias, hostLinkName } from "../pod/identity.ts";
import type { Lease } from "../store/leases.ts";
import { recallLeases } from "./witnesses.ts";

const IPAM: Record<string, unknown> = {
  type: "headcni-ipam",
  subnet: "10.9.0.0/24",
  cooldown: "5m",
};

Deno.test("recallLeases: nothing where there is nothing, not even a folder of results", async () => {
  await using node = await TestNode.make();
  assertEquals(await node.recall(), []);
});

Deno.test("recallLeases: a link alone brings its addresses back, completed by the ranges", async () => {
  await using node = await TestNode.make();
  node.link("a", ["10.9.0.2", "fd00::2"], { namespace: "shop", name: "db-0" });
  const [lease] = await node.recall();
  assertEquals(lease, {
    key: keyOf("a"),
    pool: "default",
    addresses: [
      { address: parsePrefix("10.9.0.2/24"), gateway: parseAddress("10.9.0.1") },
      { address: parsePrefix("fd00::2/128"), gateway: undefined },
    ],
    pod: { namespace: "shop", name: "db-0" },
    netns: "",
    bootId: "boot",
    createdMs: 77,
    createdUptimeMs: 1_000,
    restMs: 300_000,
  });
});

Deno.test("recallLeases: a result alone does when its namespace is there", async () => {
  await using node = await TestNode.make();
  const netns = node.netns("a");
  await node.result("a", ["10.9.0.7/16"], { netns });
  const leases = await node.recall();
  assertEquals(leases.map(formatLease), ["pods/a/eth0 10.9.0.7/16"]);
  assertEquals(leases[0]?.netns, netns);
});

Deno.test("recallLeases: a link and a result are one lease; the addresses are those of the link", async () => {
  await using node = await TestNode.make();
  node.link("a", ["10.9.0.2"]);
  await node.result("a", ["192.0.2.9/32", "10.9.0.2/30"], { netns: node.gone });
  const leases = await node.recall();
  assertEquals(leases.map(formatLease), ["pods/a/eth0 10.9.0.2/30"]);
  assertEquals(leases[0]?.netns, node.gone);
});

Deno.test("recallLeases: a result whose namespace is gone is stale", async () => {
  await using node = await TestNode.make();
  await node.result("a", ["10.9.0.2/24"], { netns: node.gone });
  assertEquals(await node.recall(), []);
});

Deno.test("recallLeases: a namespace that cannot be seen from here may be there", async () => {
  await using node = await TestNode.make();
  await node.result("a", ["10.9.0.2/24"], { netns: `${node.root}/unmounted/a` });
  assertEquals((await node.recall()).map(formatLease), ["pods/a/eth0 10.9.0.2/24"]);
});

Deno.test("recallLeases: the pool, the prefix and the rest of a lease are of its own configuration", async () => {
  await using node = await TestNode.make();
  const pools = [{ name: "blue", subnet: "10.20.0.0/24" }];
  node.link("a", ["10.20.0.5"], {}, "other");
  await node.result("a", [], { network: "other", ipam: { ...IPAM, pools, cooldown: 7 } });
  const [lease] = await node.recall();
  assertEquals([lease?.pool, lease?.restMs], ["blue", 7_000]);
  assertEquals(lease && formatLease(lease), "other/a/eth0 10.20.0.5/24");
});

Deno.test("recallLeases: a configuration with faults costs only what it would have told", async () => {
  await using node = await TestNode.make();
  node.link("a", ["10.9.0.5"]);
  await node.result("a", [], { ipam: { ...IPAM, subnet: "10.9.0.1/24", cooldown: "soon" } });
  const [lease] = await node.recall();
  assertEquals([lease && formatLease(lease), lease?.restMs], ["pods/a/eth0 10.9.0.5/32", 60_000]);
});

Deno.test("recallLeases: leaves what is another plugin's, and what is another store's", async () => {
  await using node = await TestNode.make();
  await node.result("a", ["10.9.0.2/24"], { ipam: { type: "host-local" } });
  await node.result("b", ["10.9.0.3/24"], { ipam: { ...IPAM, dataDir: node.root } });
  await node.result("c", ["10.9.0.4/24"], { ipam: { ...IPAM, dataDir: "relative" } });
  node.link("d", ["10.9.0.5"]);
  await node.result("d", ["10.9.0.5/24"], { ipam: { type: "host-local" } });
  assertEquals(await node.recall(), []);
});

Deno.test("recallLeases: a store by another path is this store", async () => {
  await using node = await TestNode.make();
  await Deno.symlink(node.store, `${node.root}/link`);
  await node.result("a", ["10.9.0.2/24"], { ipam: { ...IPAM, dataDir: `${node.root}/link/` } });
  assertEquals((await node.recall()).map(formatLease), ["pods/a/eth0 10.9.0.2/24"]);
});

Deno.test("recallLeases: of two owners of an address the one with a link keeps it", async () => {
  await using node = await TestNode.make();
  await node.result("a", ["10.9.0.2/24", "10.9.1.2/24"], { netns: node.netns("a") });
  await node.result("a", ["10.9.0.2/24"], { netns: node.netns("a"), network: "other" });
  node.link("b", ["10.9.0.2"]);
  await node.result("c", ["10.9.0.2/24"], { netns: node.netns("c") });
  assertEquals((await node.recall()).map(formatLease), [
    "pods/b/eth0 10.9.0.2/24",
    "other/a/eth0 10.9.0.2/24",
    "pods/a/eth0 10.9.1.2/24",
  ]);
});

Deno.test("recallLeases: a file that cannot be read costs nothing but itself", async () => {
  await using node = await TestNode.make();
  await node.result("a", ["10.9.0.2/24"], { netns: node.netns("a") });
  await Deno.writeTextFile(`${node.results}/pods-b-eth0`, "{");
  await Deno.mkdir(`${node.results}/pods-c-eth0`);
  assertEquals((await node.recall()).map(formatLease), ["pods/a/eth0 10.9.0.2/24"]);
});

Deno.test("recallLeases: fails where it cannot ask: nothing may be forgotten unheard", async () => {
  await using node = await TestNode.make();
  await Deno.writeTextFile(node.results, "no folder");
  await assertRejects(() => node.recall(), HeadcniError, "Cannot list the runtime's results");
  await Deno.remove(node.results);
  const refuse = () => {
    throw new HeadcniError("kernel-failure", "no netlink");
  };
  await assertRejects(() => node.recall(refuse), HeadcniError, "no netlink");
});

/** A node of made-up links, results and namespaces. */
class TestNode implements AsyncDisposable {
  readonly root: string;
  readonly #links: Link[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async make(): Promise<TestNode> {
    const node = new TestNode(await Deno.makeTempDir({ prefix: "hct" }));
    for (const folder of [node.store, `${node.root}/netns`]) await Deno.mkdir(folder);
    return node;
  }

  get store(): string {
    return `${this.root}/store`;
  }

  get results(): string {
    return `${this.root}/results`;
  }

  /** Path of a namespace that is gone. */
  get gone(): string {
    return `${this.root}/netns/gone`;
  }

  /** Path of a namespace that is there. */
  netns(name: string): string {
    const path = `${this.root}/netns/${name}`;
    Deno.writeTextFileSync(path, "");
    return path;
  }

  link(containerId: string, addresses: string[], pod = {}, network = "pods"): void {
    const key = keyOf(containerId, network);
    const alias = formatAlias(key, addresses.map(parseAddress), pod);
    this.#links.push(hostLink(hostLinkName(key), alias));
  }

  async result(
    containerId: string,
    addresses: readonly string[],
    { network = "pods", netns = "", ipam = IPAM },
  ): Promise<void> {
    const key = keyOf(containerId, network);
    await Deno.mkdir(this.results, { recursive: true });
    const config = { cniVersion: "1.0.0", name: network, plugins: [{ type: "bridge", ipam }] };
    const text = JSON.stringify({
      kind: "cniCacheV1",
      networkName: network,
      containerId,
      ifName: "eth0",
      netns,
      config: btoa(JSON.stringify(config)),
      result: { cniVersion: "1.0.0", ips: addresses.map((address) => ({ address })) },
    });
    await Deno.writeTextFile(`${this.results}/${cacheFileName(key)}`, text);
  }

  recall(openHost = () => listedHost(this.#links)): Promise<Lease[]> {
    const raw = { cniVersion: "1.0.0", name: "pods", type: "headcni", ipam: IPAM };
    const context = {
      node: {
        openHost,
        openFirewall: () => {
          throw new Error("nobody asked for a firewall");
        },
        bootId: () => "boot",
        uptimeMs: () => 1_000,
      },
      runDirectory: `${this.root}/run`,
      resultsDirectory: this.results,
      dataDirectory: this.store,
      self: [],
      allowOwnNetns: false,
      nowMs: () => 77,
      random: () => 0,
    };
    return recallLeases(parseNetworkConfig(raw, "1.0.0", "ADD"), context, this.store);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.root, { recursive: true });
  }
}

function keyOf(containerId: string, network = "pods"): AttachmentKey {
  return { network, containerId, ifname: "eth0" };
}

function formatLease({ key, addresses }: Lease): string {
  return [formatAttachment(key), ...addresses.map(({ address }) => formatPrefix(address))]
    .join(" ");
}
