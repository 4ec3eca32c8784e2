/** ADD, CHECK and DEL of the real plugin, by datapath, family and version of the specification. */
import { assertEquals } from "@std/assert";
import { SPEC_VERSIONS } from "../../lib/cni/version.ts";
import { addressesOf, bare, type Families, kernelAddresses, network, nodeTest } from "./plugin.ts";

const DATAPATHS = ["bridge", "ptp"] as const;
const FAMILIES: readonly Families[] = [[4], [6], [4, 6]];
/** First addresses of the subnets. */
const GATEWAYS = { 4: "10.9.0.1", 6: "fd00:9::1" };
/** Versions without CHECK: it came with 0.4.0. */
const UNCHECKED = ["0.1.0", "0.2.0", "0.3.0", "0.3.1"];

for (const datapath of DATAPATHS) {
  for (const families of FAMILIES) {
    const name = `headcni: ${datapath}, IPv${families.join(" and IPv")}`;
    nodeTest(`${name}: every version attaches, checks and leaves nothing`, async (node) => {
      await node.warmUp(network({ datapath }, families));
      const pod = await node.makePod();
      await node.unchangedBy([pod], async () => {
        for (const cniVersion of SPEC_VERSIONS) {
          const config = network({ datapath, cniVersion }, families);
          const prevResult = await node.add(pod, config);
          assertEquals(prevResult.cniVersion, cniVersion);
          const addresses = addressesOf(prevResult);
          assertEquals(addresses.length, families.length);
          assertEquals(await kernelAddresses(pod), addresses);
          for (const family of families) {
            await pod.run("ping", "-c", "1", "-W", "1", GATEWAYS[family]);
          }
          const check = { verb: "CHECK", config: { ...config, prevResult }, pod };
          if (!UNCHECKED.includes(cniVersion)) assertEquals(await node.succeed(check), "");
          await node.del(pod, { ...config, prevResult });
        }
      });
    });
  }

  nodeTest(`headcni: ${datapath}: IPv6 works at once between pods`, async (node) => {
    const config = network({ datapath }, [6]);
    const [red, blue] = [await node.makePod(), await node.makePod()];
    await node.add(red, config);
    const { ips } = await node.add(blue, config);
    await red.run("ping", "-6", "-c", "1", "-W", "1", bare(ips?.[0]?.address));
    for (const place of [node.host, red, blue]) {
      const links = await place.ip("-6", "address", "show");
      assertEquals(JSON.stringify(links).includes("tentative"), false, JSON.stringify(links));
    }
  });
}
