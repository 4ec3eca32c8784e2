/** ADD and DEL that come twice, too late, with other words, or fail half way: nothing is left. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bare, kernelAddresses, network, type NetworkConfig, nodeTest } from "./plugin.ts";

const DATAPATHS = ["bridge", "ptp"];

/** A subnet with room for one pod. */
const TINY = { type: "headcni-ipam", subnet: "10.7.0.0/30" };

for (const datapath of DATAPATHS) {
  const config = network({ datapath });

  nodeTest(`headcni: ${datapath}: a second ADD of an attachment is code 104`, async (node) => {
    const pod = await node.makePod();
    const { ips = [] } = await node.add(pod, config);
    await node.unchangedBy([pod], async () => {
      const text = await node.fail({ verb: "ADD", config, pod }, 104);
      assertStringIncludes(text, `"${pod.name}"`);
    });
    await pod.run("ping", "-c", "1", "-W", "1", bare(ips[0]?.gateway));
  });

  nodeTest(`headcni: ${datapath}: ADD leaves a foreign interface alone`, async (node) => {
    await node.warmUp(config);
    const pod = await node.makePod();
    await pod.run("ip", "link", "add", "eth0", "type", "bridge");
    await node.unchangedBy([pod], () => node.fail({ verb: "ADD", config, pod }, 104));
    // DEL of what never was takes nothing of others with it.
    await node.unchangedBy([pod], () => node.del(pod, config));
  });

  for (const ipam of [undefined, { type: "host-local", subnet: "10.9.0.0/24" }]) {
    nodeTest(
      `headcni: ${datapath}: a second ADD leaves the first alone, ${ipam?.type ?? "own IPAM"}`,
      async (node) => {
        const dataDir = `${node.root}/foreign`;
        const twice = ipam ? network({ datapath, ipam: { ...ipam, dataDir } }) : config;
        const pod = await node.makePod();
        const prevResult = await node.add(pod, twice);
        const elsewhere = await node.makePod();
        const env = { CNI_NETNS: elsewhere.path };
        await node.unchangedBy([pod, elsewhere], async () => {
          await node.fail({ verb: "ADD", pod, config: twice, env }, 104);
          await node.succeed({ verb: "CHECK", pod, config: { ...twice, prevResult } });
        });
        await node.del(pod, twice);
      },
    );
  }

  nodeTest(`headcni: ${datapath}: passes on what the plugins before it answered`, async (node) => {
    const pod = await node.makePod();
    const prevResult = {
      cniVersion: "1.0.0",
      interfaces: [{ name: "eth9", sandbox: pod.path }],
      ips: [{ address: "10.50.0.2/24", interface: 0 }],
      routes: [{ dst: "10.60.0.0/16" }],
    };
    const { interfaces = [], ips = [], routes = [] } = await node.add(pod, {
      ...config,
      prevResult,
    });
    assertEquals([interfaces[0], ips[0], routes[0]], [
      prevResult.interfaces[0],
      prevResult.ips[0],
      prevResult.routes[0],
    ]);
    assertEquals(interfaces[ips.at(-1)?.interface ?? -1]?.name, "eth0");
  });

  nodeTest(
    `headcni: ${datapath}: a second interface has an address, the first keeps the routes`,
    async (node) => {
      await node.warmUp(config);
      const pod = await node.makePod();
      const second = { CNI_IFNAME: "net1" };
      const otherSubnet = { ipam: { subnet: "10.8.0.0/24" }, isDefaultGateway: false };
      const other = network({ datapath, name: "other", bridge: "other0", ...otherSubnet });
      await node.warmUp(other);
      await node.unchangedBy([pod], async () => {
        const prevResult = await node.add(pod, config);
        for (const again of [config, other]) {
          const result = await node.add(pod, again, second);
          const addresses = result.ips?.map(({ address }) => address);
          assertEquals(await kernelAddresses(pod, "net1"), addresses);
          const [towards] = await pod.ip("route", "get", "192.0.2.1");
          assertEquals(towards?.dev, "eth0");
          const check = { verb: "CHECK", pod, env: second };
          await node.succeed({ ...check, config: { ...again, prevResult: result } });
          await node.del(pod, again, second);
        }
        await node.succeed({ verb: "CHECK", pod, config: { ...config, prevResult } });
        await node.del(pod, config);
      });
    },
  );

  nodeTest(`headcni: ${datapath}: DEL works whatever is gone already`, async (node) => {
    await node.warmUp(config);
    const kept = await node.makePod();
    await node.add(kept, config);
    const before = await node.snapshot([kept]);
    const ways: Record<string, (pod: typeof kept) => Promise<unknown>> = {
      twice: (pod) => node.del(pod, config),
      "without a namespace": (pod) => node.del(pod, config, { CNI_NETNS: "" }),
      "with a namespace that is gone": (pod) =>
        node.del(pod, config, { CNI_NETNS: "/run/netns/hct-gone" }),
      "when the link is gone": async (pod) => {
        await pod.run("ip", "link", "delete", "eth0");
        await node.del(pod, config);
      },
      "when the configuration changed": (pod) =>
        node.del(pod, {
          ...network({ datapath: "bridge", bridge: "other0", ipMasq: false, mtu: 1400 }),
          ipam: TINY,
        }),
      "when the configuration has faults": (pod) =>
        node.del(pod, network({ datapath: "none", ipam: { subnet: "nonsense" } })),
    };
    for (const [way, remove] of Object.entries(ways)) {
      const pod = await node.makePod();
      await node.add(pod, config);
      await remove(pod);
      await node.del(pod, config);
      assertEquals(await node.snapshot([kept]), before, way);
    }
    await node.del(kept, network(), { CNI_CONTAINERID: "never-was", CNI_NETNS: "" });
    assertEquals(await node.snapshot([kept]), before);
  });

  nodeTest(`headcni: ${datapath}: an ADD that fails leaves nothing`, async (node) => {
    await node.warmUp(config);
    const pod = await node.makePod();
    const ipam = { subnet: "10.9.0.0/24" };
    const routes = [{ dst: "192.0.2.0/24", gw: "172.31.0.1" }];
    const cases: [keys: NetworkConfig, code: number, text: RegExp][] = [
      [{ ipam: { ...ipam, routes } }, 105, /192\.0\.2\.0\/24/],
      [{ ipam, args: { cni: { ips: ["10.20.0.2"] } } }, 102, /10\.20\.0\.2/],
      [{ ipam: { type: "host-local", subnet: "10.9.0.0/31" } }, 999, /10\.9\.0\.0/],
      [{ ipam: { type: "no-such-ipam" } }, 107, /no-such-ipam/],
    ];
    for (const [keys, code, text] of cases) {
      await node.unchangedBy([pod], async () => {
        const failing = network({ ...keys, datapath });
        assertMatch(await node.fail({ verb: "ADD", config: failing, pod }, code), text);
      });
    }
  });

  nodeTest(`headcni: ${datapath}: an ADD without a free address leaves nothing`, async (node) => {
    const tiny = network({ datapath, ipam: TINY });
    const [first, pod] = [await node.makePod(), await node.makePod()];
    // An address that is still looked for has no local route yet.
    await first.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
    await node.add(first, tiny);
    await node.unchangedBy([first, pod], async () => {
      assertMatch(await node.fail({ verb: "ADD", config: tiny, pod }, 101), /10\.7\.0\.2/);
    });
    await node.del(first, tiny);
    await node.add(pod, tiny);
  });
}

nodeTest("headcni: an address that a failed ADD had is free for the next", async (node) => {
  const pod = await node.makePod();
  const routes = [{ dst: "192.0.2.0/24", gw: "172.31.0.1" }];
  await node.fail({ verb: "ADD", config: network({ ipam: { ...TINY, routes } }), pod }, 105);
  const { ips } = await node.add(pod, network({ ipam: TINY }));
  assertEquals(ips?.map(({ address }) => address), ["10.7.0.2/30"]);
});
