/** CHECK: each thing that can go from under a pod is told; GC and STATUS. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type AddResult, network, nodeTest, type TestNode, type TestPod } from "./plugin.ts";

/** Takes something away from an attachment. */
interface Damage {
  readonly what: string;
  /** A command of the shell; `$link` is the host link, `$gatewayLink` has the gateways. */
  readonly inPod?: string;
  readonly onHost?: string;
  /** What CHECK says of it. */
  readonly seen: string;
  readonly only?: "bridge" | "ptp";
}

const DAMAGES: readonly Damage[] = [
  { what: "an address", inPod: "ip address del $address dev eth0", seen: "address " },
  { what: "the IPv4 default route", inPod: "ip route del default", seen: "route 0.0.0.0/0" },
  { what: "the IPv6 default route", inPod: "ip -6 route del default", seen: "route ::/0" },
  { what: "the pod's link, down", inPod: "ip link set eth0 down", seen: "eth0 is down" },
  { what: "the pod's MAC", inPod: "ip link set eth0 address 02:00:00:00:00:09", seen: "MAC" },
  { what: "the pod's link", inPod: "ip link del eth0", seen: "is missing" },
  { what: "the host link, down", onHost: "ip link set $link down", seen: "is down" },
  {
    what: "the bridge port",
    onHost: "ip link set $link nomaster",
    seen: "not a port",
    only: "bridge",
  },
  {
    what: "the bridge's link, down",
    onHost: "ip link set headcni0 down",
    seen: "down",
    only: "bridge",
  },
  { what: "the host route", onHost: "ip route flush dev $link", seen: "no route", only: "ptp" },
  { what: "the gateway", onHost: "ip address flush dev $gatewayLink", seen: "gateway" },
  {
    what: "the rules of masquerade",
    onHost: "nft flush chain inet headcni postrouting",
    seen: "firewall lacks",
  },
  {
    what: "the table of masquerade",
    onHost: "nft delete table inet headcni",
    seen: "firewall lacks",
  },
  {
    what: "a source of masquerade",
    onHost: "nft delete element inet headcni masquerade4 '{ 10.9.0.0/24 }'",
    seen: "firewall lacks",
  },
];

for (const datapath of ["bridge", "ptp"]) {
  const config = network({ datapath });

  nodeTest(`headcni: ${datapath}: CHECK tells what is gone, and changes nothing`, async (node) => {
    for (const damage of DAMAGES.filter(({ only = datapath }) => only === datapath)) {
      const pod = await node.makePod();
      const prevResult = await node.add(pod, config);
      const check = { verb: "CHECK", pod, config: { ...config, prevResult } };
      assertEquals(await node.succeed(check), "");
      await inflict(node, pod, prevResult, damage);
      await node.unchangedBy([pod], async () => {
        const text = await node.fail(check, 109).catch((cause) => {
          throw new Error(`CHECK does not miss ${damage.what}`, { cause });
        });
        assertStringIncludes(text, damage.seen);
      });
      await node.del(pod, config);
      await node.host.run("sh", "-c", "ip link del headcni0 || true");
    }
  });
}

nodeTest("headcni: CHECK misses a lease, and a result to compare with", async (node) => {
  const pod = await node.makePod();
  const config = network();
  const prevResult = await node.add(pod, config);
  assertStringIncludes(await node.fail({ verb: "CHECK", pod, config }, 7), "prevResult");
  const ipam = { ...network(), type: undefined };
  await node.succeed({ verb: "DEL", pod, config: ipam }); // without a type: only the lease goes
  const check = { verb: "CHECK", pod, config: { ...config, prevResult } };
  assertStringIncludes(await node.fail(check, 109), "lease");
});

nodeTest("headcni: GC keeps what the list names, and nothing else", async (node) => {
  const config = network({ cniVersion: "1.1.0" });
  await node.warmUp(config);
  const empty = await node.snapshot();
  const [kept, lost] = [await node.makePod(), await node.makePod()];
  const other = await node.makePod();
  await node.add(kept, config);
  await node.add(other, { ...config, name: "other" });
  const before = await node.snapshot([kept, other, lost]);
  const collect = (valid?: readonly TestPod[]) =>
    node.succeed({
      verb: "GC",
      config: {
        ...config,
        ...valid && {
          "cni.dev/valid-attachments": valid.map(({ name }) => ({
            containerID: name,
            ifname: "eth0",
          })),
        },
      },
    });
  await node.add(lost, config);
  assertEquals(await collect([kept]), "");
  assertEquals(await node.snapshot([kept, other, lost]), before);
  // Without a list only what has neither namespace nor link goes.
  await collect();
  assertEquals(await node.snapshot([kept, other, lost]), before);
  await node.add(lost, config);
  const crashed = await node.snapshot([kept, other]);
  await collect();
  assertEquals(await node.snapshot([kept, other]), crashed);
  await lost.run("ip", "link", "delete", "eth0");
  await collect();
  await collect([]);
  await node.del(other, { ...config, name: "other" });
  assertEquals(await node.snapshot(), empty);
});

nodeTest("headcni: STATUS tells whether an ADD could work", async (node) => {
  const ready = { verb: "STATUS", config: network({ cniVersion: "1.1.0" }) };
  assertEquals(await node.succeed(ready), "");
  await Deno.writeTextFile(`${node.root}/file`, "");
  const broken: [keys: Record<string, unknown>, text: string][] = [
    [{ dataDir: `${node.root}/file/data` }, "/file/data"],
    [{ dataDir: "relative" }, "relative"],
    [{ ipam: { subnet: "nonsense" } }, "nonsense"],
    [{ ipam: { type: "no-such-ipam" } }, "no-such-ipam"],
    [{ mtu: "1500" }, "mtu"],
  ];
  for (const [keys, text] of broken) {
    await node.unchangedBy([], async () => {
      const config = network({ cniVersion: "1.1.0", ...keys });
      assertStringIncludes(await node.fail({ verb: "STATUS", config }, 50), text);
    });
  }
});

async function inflict(
  node: TestNode,
  pod: TestPod,
  { interfaces = [], ips = [] }: AddResult,
  { inPod, onHost }: Damage,
): Promise<void> {
  const link = interfaces.find(({ name }) => name.startsWith("veth"))?.name ?? "";
  const variables = `link=${link} gatewayLink=${interfaces[0]?.name} address=${ips[0]?.address}; `;
  if (inPod) await pod.run("sh", "-ec", variables + inPod);
  if (onHost) await node.host.run("sh", "-ec", variables + onHost);
}
