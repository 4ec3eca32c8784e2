/**
 * The benchmark of the mesh (README, "Speed"): iperf3 from a pod of one node to a pod of another, against
 * the same tailscaleds between the bare nodes, interleaved.
 *
 * Usage: deno task bench:mesh [--rounds=10] [--seconds=3]
 */
import { parseArgs } from "@std/cli";
import type { TestNetns } from "../tests/netns/namespace.ts";
import { ipsOf, missingMesh, pingAll, TestMesh } from "../tests/e2e/tailnet/mesh.ts";
import { until } from "../tests/e2e/tailnet/until.ts";
import { HEADCNI } from "./bench/contenders.ts";
import { progress } from "./bench/report.ts";
import { median, medianRatio } from "./bench/statistics.ts";

const BAR = 0.95;

/** The part of what iperf3 tells that is looked at. */
interface Received {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

async function main(): Promise<void> {
  Deno.env.set("HEADCNI_BIN", HEADCNI); // nodes run what is shipped, not its sources
  const missing = missingMesh();
  if (missing) throw new Error(`Cannot measure the mesh: ${missing}`);
  const options = parseArgs(Deno.args, {
    string: ["rounds", "seconds"],
    default: { rounds: "10", seconds: "3" },
  });
  const rounds = Number(options.rounds);
  await using mesh = await TestMesh.start();
  await mesh.ready();
  const [red, blue] = await mesh.addPods();
  if (!red || !blue) throw new Error("Cannot measure: two pods wanted");
  await pingAll(red, blue);
  const [one, two] = [mesh.member(1).node, mesh.member(2).node];
  const address = (await two.tailscale("ip", "-4")).trim();
  const pods: number[] = [];
  const nodes: number[] = [];
  for (let round = -1; round < rounds; round++) { // the first one opens the ways and is dropped
    const podRate = await rateOf(red.netns, blue.netns, ipsOf(blue)[0] ?? "", options.seconds);
    const nodeRate = await rateOf(one.node.host, two.node.host, address, options.seconds);
    if (round >= 0) {
      pods.push(podRate);
      nodes.push(nodeRate);
    }
    progress(`rounds: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
  progress("");
  const ratio = medianRatio(pods, nodes);
  const verdict = ratio >= BAR ? "met" : "NOT met";
  console.log(`pod to pod ${mbit(pods)} Mbit/s, node to node ${mbit(nodes)} Mbit/s (medians)`);
  console.log(`ratio ${ratio.toFixed(2)}, bar >= ${BAR}: ${verdict}`);
}

/** Bits a second that arrive. */
async function rateOf(
  from: TestNetns,
  to: TestNetns,
  address: string,
  seconds: string,
): Promise<number> {
  const server = to.run("iperf3", "-s", "-1", "-J");
  server.catch(() => {}); // told below
  await until("a listener", async () => (await to.run("ss", "-Hltn")).includes(":5201"));
  await from.run("iperf3", "-c", address, "-t", seconds, "-J");
  const { end }: Received = JSON.parse(await server);
  return end.sum_received.bits_per_second;
}

function mbit(rates: readonly number[]): string {
  return (median(rates) / 1e6).toFixed(0);
}

await main();
