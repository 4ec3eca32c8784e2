/** A store that is lost comes back from the links of the node and the results of the runtime. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { addressesOf, type AddResult, network, nodeTest, type TestNode } from "./plugin.ts";
import { keepResult } from "./results.ts";

/** What can happen to `state.kv`. */
const DAMAGES: Readonly<Record<string, (file: string) => Promise<void>>> = {
  deleted: (file) => Deno.remove(file),
  emptied: (file) => Deno.truncate(file, 0),
  truncated: async (file) => await Deno.truncate(file, (await Deno.stat(file)).size / 2),
  async "overwritten with noise"(file) {
    const bytes = await Deno.readFile(file);
    for (let at = 0; at < bytes.length; at += 4_096) {
      crypto.getRandomValues(bytes.subarray(at, at + 4_096));
    }
    await Deno.writeFile(file, bytes);
  },
};

for (const datapath of ["bridge", "ptp"]) {
  for (const [damaged, damage] of Object.entries(DAMAGES)) {
    const config = network({ datapath });
    nodeTest(`headcni: ${datapath}: leases outlive a store that is ${damaged}`, async (node) => {
      const [first, second, third] = [
        await node.makePod(),
        await node.makePod(),
        await node.makePod(),
      ];
      const had = [await node.add(first, config), await node.add(second, config)];
      await damage(`${node.dataDirectory}/state.kv`);

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
}

nodeTest("headcni-ipam: results alone bring leases back, unless they are stale", async (node) => {
  const ipam = { type: "headcni-ipam", subnet: "10.9.0.0/29" };
  const config = { cniVersion: "1.0.0", name: "pods", type: "bridge", ipam };
  const [live, next] = [await node.makePod(), await node.makePod()];
  const stale = { name: "stale", path: "/run/netns/hct-never-was" };
  const foreign = { ...config, ipam: { type: "host-local" } };
  await keepResult(node, live, config, resultOf("10.9.0.2/29"));
  await keepResult(node, stale, config, resultOf("10.9.0.3/29"));
  await keepResult(node, { ...next, name: "foreign" }, foreign, resultOf("10.9.0.3/29"));
  await Deno.writeTextFile(`${node.resultsDirectory}/pods-noise-eth0`, "{");

  // A configuration without a type is for the IPAM plugin.
  const call = { config: { cniVersion: "1.0.0", name: "pods", ipam } };
  const { ips } = JSON.parse(await node.succeed({ ...call, verb: "ADD", pod: next }));
  assertEquals(ips, [{ address: "10.9.0.3/29", gateway: "10.9.0.1" }]);
  assertEquals(await leasedContainers(node), [live, next].map(({ name }) => name).sort());
  await node.succeed({ ...call, verb: "CHECK", pod: live });
  await node.succeed({ ...call, verb: "DEL", pod: live });
  assertEquals(await leasedContainers(node), [next.name]);
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
