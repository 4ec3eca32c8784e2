/** Three nodes, of which one can be reached by the relay alone: pods of all reach each other. */
import { assert, assertEquals } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { askTeller, tellCallers } from "../netns/callers.ts";
import { ipsOf, missingMesh, pingAll, TestMesh } from "./tailnet/mesh.ts";
import type { MeshNode, MeshPod } from "./tailnet/node.ts";
import { until } from "./tailnet/until.ts";

/** Where a pod tells who calls it, by TCP. */
const PORT = 80;
/** The node that no datagram of another reaches. */
const SHUT_IN = 3;

testUnless(
  missingMesh(),
  "mesh: pods of three nodes reach each other, one of them by the relay alone",
  async () => {
    await using mesh = await TestMesh.start({ nodes: 3, behindNat: SHUT_IN, router: "office" });
    await mesh.ready();
    const pods = await mesh.addPods();
    await using tellers = new AsyncDisposableStack();
    for (const { netns } of pods) {
      tellers.use(await tellCallers(netns, { name: "pod", port: PORT }));
    }
    for (const from of pods) {
      for (const to of pods.filter((pod) => pod !== from)) {
        await pingAll(from, to);
        assertEquals(await seenBy(from, to), ipsOf(from).map((ip) => `pod sees ${ip}`));
      }
    }

    const nodes = mesh.members.map(({ node }) => node);
    for (const from of nodes) {
      for (const to of nodes.filter((node) => node !== from)) {
        if ([from.number, to.number].includes(SHUT_IN)) {
          assertEquals(await wayTo(from, to), "relay:test", `${from.name} to ${to.name}`);
        } else {
          await until("a straight way", async () => /:41641$/.test(await wayTo(from, to) ?? ""));
        }
      }
    }
    const [one, , three] = nodes;
    assert(one && three);
    assert(/; relay "test",/.test(await lineOf(one, three)), await lineOf(one, three));
    assertEquals(await mesh.internet.seen(), 0);
  },
);

/** Who a pod says that calls it, by each of its addresses. */
async function seenBy(from: MeshPod, to: MeshPod): Promise<string[]> {
  const seen: string[] = [];
  for (const ip of ipsOf(to)) seen.push(await askTeller(from.netns, ip, PORT));
  return seen;
}

/** How packets go from a node to another, as `headcni mesh peers` tells it. */
async function wayTo(from: MeshNode, to: MeshNode): Promise<string | undefined> {
  const address = (await to.tailscale("ip", "-4")).trim();
  const peers: readonly { readonly addresses: readonly string[]; readonly path: string }[] = JSON
    .parse(await from.headcni("mesh", "peers", "--output", "json"));
  return peers.find(({ addresses }) => addresses.includes(address))?.path;
}

/** The line of another node in what tailscale's own command line tells of peers. */
async function lineOf(from: MeshNode, to: MeshNode): Promise<string> {
  const address = (await to.tailscale("ip", "-4")).trim();
  const lines = (await from.tailscale("status")).split("\n");
  return lines.find((line) => line.startsWith(`${address} `)) ?? "";
}
