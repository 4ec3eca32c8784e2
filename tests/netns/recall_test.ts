/** A store that is lost comes back from the links of the node and the results of the runtime. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Damage, DAMAGES } from "../fakes/damages.ts";
import { seededRandom } from "../fakes/seeded_random.ts";
import { addressesOf, type AddResult, network, nodeTest, type TestNode } from "./plugin.ts";
import { keepResult } from "./results.ts";

/** How pods are attached, what is left of `state.kv`, and how that comes about. */
const CASES: readonly (readonly [datapath: string, left: string, damage: Damage])[] = [
  ["bridge", "no file", (path) => Deno.removeSync(path)],
  ...Object.entries(DAMAGES).map(([left, damage]) => ["bridge", left, damage] as const),
  ["ptp", "no file", (path) => Deno.removeSync(path)],
];

for (const [datapath, left, damage] of CASES) {
  const config = network({ datapath });
  nodeTest(`headcni: ${datapath}: leases outlive their store, ${left} is left`, async (node) => {
    const [first, second, third] = [
      await node.makePod(),
      await node.makePod(),
      await node.makePod(),
    ];
    const had = [await node.add(first, config), await node.add(second, config)];
    damage(`${node.dataDirectory}/state.kv`, seededRandom().random);

    // Not by `add`, which wants a plugin that says nothing.
    const { code, stdout } = await node.call({ verb: "ADD", pod: third, config });
    assertEquals(code, 0, stdout);
    const all = [...had, JSON.parse(stdout)].flatMap(addressesOf);
    assertEquals(new Set(all).size, 6, "no address has two owners");
    assertEquals(
      await leasedContainers(node),
      [first, second, third].map(({ name }) => name).sort(),
    );
    assertStringIncludes(await Deno.readTextFile(`${node.root}/plugin.log`), "Made the store");

    for (const pod of [first, second]) {
      await node.del(pod, config);
      assertEquals(await pod.ip("link", "show", "type", "veth"), []);
    }
    assertEquals(await leasedContainers(node), [third.name]);
  });
}

nodeTest("headcni: host ports outlive their store", async (node) => {
  const mapped = (hostIP: string) =>
    network({ runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, hostIP }] } });
  const [first, second] = [await node.makePod(), await node.makePod()];
  await node.add(first, mapped(""));
  await Deno.remove(`${node.dataDirectory}/state.kv`);
  // The kernel would take it, for it is another element there.
  const text = await node.fail({ verb: "ADD", pod: second, config: mapped("10.9.0.1") }, 110);
  assertStringIncludes(text, first.name);
  await node.del(second, mapped("10.9.0.1"));
  await node.del(first, mapped(""));
  await node.add(second, mapped("10.9.0.1"));
  await node.del(second, mapped("10.9.0.1"));
});

nodeTest("headcni-ipam: results alone bring leases back, unless they are stale", async (node) => {
  const ipam = { type: "headcni-ipam", subnet: "10.9.0.0/29" };
  const config = { cniVersion: "1.0.0", name: "pods", type: "bridge", ipam };
  const [live, next] = [await node.makePod(), await node.makePod()];
  const stale = { name: "stale", path: "/run/netns/hct-never-was" };
  const byAnother = { ...config, ipam: { type: "host-local" } };
  await keepResult(node, live, config, resultOf("10.9.0.2/29"));
  await keepResult(node, { ...live, name: "switched" }, byAnother, resultOf("10.9.0.3/29"));
  await keepResult(node, stale, config, resultOf("10.9.0.4/29"));
  const elsewhere = { ...byAnother, name: "other" };
  await keepResult(node, { ...live, name: "foreign" }, elsewhere, resultOf("10.9.0.4/29"));
  await Deno.writeTextFile(`${node.resultsDirectory}/pods-noise-eth0`, "{");

  // A configuration without a type is for the IPAM plugin.
  const call = { config: { cniVersion: "1.0.0", name: "pods", ipam } };
  const { ips } = JSON.parse(await node.succeed({ ...call, verb: "ADD", pod: next }));
  assertEquals(ips, [{ address: "10.9.0.4/29", gateway: "10.9.0.1" }]);
  assertEquals(await leasedContainers(node), [live.name, next.name, "switched"].sort());
  await node.succeed({ ...call, verb: "CHECK", pod: live });
  await node.succeed({ ...call, verb: "DEL", pod: live });
  assertEquals(await leasedContainers(node), [next.name, "switched"].sort());
});

/** Containers that have a lease by the store, sorted; no call may be under way. */
async function leasedContainers(node: TestNode): Promise<string[]> {
  using kv = await Deno.openKv(`${node.dataDirectory}/state.kv`);
  const leases = await Array.fromAsync(kv.list({ prefix: ["lease"] }));
  return leases.map(({ key }) => String(key[2])).sort();
}

function resultOf(address: string): AddResult {
  return { cniVersion: "1.0.0", ips: [{ address, gateway: "10.9.0.1" }] };
}
