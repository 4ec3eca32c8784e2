/** Packets of pods that the real plugin attached; and many pods at once. */
import { assertEquals } from "@std/assert";
import { callers, connectOutside } from "./callers.ts";
import type { TestNetns } from "./namespace.ts";
import { addressesOf, type AddResult, bare, network, nodeTest } from "./plugin.ts";

const PODS_AT_ONCE = 20;

for (const datapath of ["bridge", "ptp"]) {
  nodeTest(
    `headcni: ${datapath}: pods reach each other, the node and the outside`,
    async (node) => {
      const exempt = { pod_cidr: "203.0.113.0/24", service_cidr: ["2001:db8:e::/64"] };
      const config = network({ datapath, ...exempt });
      const [red, blue] = [await node.makePod(), await node.makePod()];
      const outside = await node.makePod("out");
      await connectOutside(node.host, outside);
      const [red4 = "", red6 = ""] = addressesOf(await node.add(red, config)).map(bare);
      const [blue4 = "", blue6 = ""] = addressesOf(await node.add(blue, config)).map(bare);
      const cases: [from: TestNetns, to: TestNetns, target: string, caller: string][] = [
        [red, blue, blue4, red4],
        [red, blue, blue6, red6],
        [blue, red, red4, blue4],
        [red, node.host, "10.9.0.1", red4],
        [red, node.host, "fd00:9::1", red6],
        [node.host, red, red4, "10.9.0.1"],
        [node.host, red, red6, "fd00:9::1"],
        // The outside sees the node, but where destinations are exempt.
        [red, outside, "198.51.100.2", "198.51.100.1"],
        [red, outside, "2001:db8:a::2", "2001:db8:a::1"],
        [red, outside, "203.0.113.2", red4],
        [red, outside, "2001:db8:e::2", red6],
      ];
      // The witness takes the whole ruleset of the place: look at the outside first.
      for (const [from, to, target = "", caller] of cases.toReversed()) {
        if (to === node.host) await from.run("ping", "-c", "1", "-W", "1", target);
        else assertEquals(await callers(from, to, target), [caller], target);
      }
    },
  );

  nodeTest(`headcni: ${datapath}: without ipMasq the outside sees the pod`, async (node) => {
    const [pod, outside] = [await node.makePod(), await node.makePod("out")];
    await connectOutside(node.host, outside);
    const addresses = addressesOf(await node.add(pod, network({ datapath, ipMasq: false })));
    assertEquals(
      [
        ...await callers(pod, outside, "198.51.100.2"),
        ...await callers(pod, outside, "2001:db8:a::2"),
      ],
      addresses.map(bare),
    );
  });

  nodeTest(`headcni: ${datapath}: many pods come and go at once`, async (node) => {
    const config = network({ datapath });
    const pods = await Promise.all(Array.from({ length: PODS_AT_ONCE }, () => node.makePod()));
    await node.warmUp(config);
    await node.unchangedBy(pods, async () => {
      const results = await Promise.all(pods.map((pod) => node.add(pod, config)));
      const addresses = results.flatMap(addressesOf);
      assertEquals(new Set(addresses).size, 2 * PODS_AT_ONCE);
      const [first, last] = [pods[0], results.at(-1)?.ips];
      for (const { address } of last ?? []) {
        await first?.run("ping", "-c", "1", "-W", "1", bare(address));
      }
      await Promise.all(pods.map((pod) => node.del(pod, config)));
    });
  });

  nodeTest(`headcni: ${datapath}: the first pods of a node may come at once`, async (node) => {
    const config = network({ datapath });
    const pods = await Promise.all(Array.from({ length: 8 }, () => node.makePod()));
    const results = await Promise.all(pods.map((pod) => node.add(pod, config)));
    assertEquals(new Set(results.flatMap(addressesOf)).size, 2 * pods.length);
    const rules = await node.host.run("nft", "list", "chain", "inet", "headcni", "postrouting");
    assertEquals(rules.match(/masquerade pods/g)?.length, 2);
    for (const [index, pod] of pods.entries()) {
      const check = { ...config, prevResult: results[index] };
      await node.succeed({ verb: "CHECK", pod, config: check });
    }
  });
}

nodeTest(
  "headcni: bridge: two networks that want one bridge at once, one gets it",
  async (node) => {
    const networks = ["10.7.0.0/24", "10.8.0.0/24"].map((subnet, at) =>
      network({ name: `pods${at}`, ipam: { type: "headcni-ipam", subnet } })
    );
    const attempts = await Promise.all(networks.map(async (config) => {
      const pod = await node.makePod();
      return { pod, config, ...await node.call({ verb: "ADD", config, pod }) };
    }));
    const winners = attempts.filter(({ code }) => code === 0);
    assertEquals(winners.length, 1);
    const [link] = await node.host.ip("-4", "address", "show", "dev", "headcni0");
    assertEquals(Array.isArray(link?.addr_info) && link.addr_info.length, 1);
    for (const { pod, stdout } of winners) {
      const { ips = [] }: AddResult = JSON.parse(stdout);
      await pod.run("ping", "-c", "1", "-W", "2", bare(ips[0]?.gateway));
    }
    for (const { pod, config } of attempts) await node.del(pod, config);
  },
);
