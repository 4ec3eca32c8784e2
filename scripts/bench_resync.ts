/**
 * How long one pass of the daemon's upkeep takes on a node with many pods: makes a node of namespaces,
 * adds pods to it, and prints the time of a pass that finds nothing to do, and of one that mends all.
 * `deno run -A --frozen scripts/bench_resync.ts [pods]`; needs root.
 */
import { network, TestNode } from "../tests/netns/plugin.ts";
import { batchesOf } from "../lib/batches.ts";
import { upkeep } from "../tests/netns/upkeep.ts";

/** What one node of Kubernetes commonly has at most, and then some. */
const DEFAULT_PODS = 250;
const AT_ONCE = 10;
/** So that the first, which compiles, is not the one that is told. */
const PASSES = 5;

if (import.meta.main) {
  const pods = Number(Deno.args[0] ?? DEFAULT_PODS);
  await using node = await TestNode.make();
  await upkeep(node);
  // Nobody waits for the namespaces one by one.
  const numbers = Array.from({ length: pods }, (_, number) => number);
  for (const batch of batchesOf(numbers, AT_ONCE)) {
    await Promise.all(
      batch.map(async (n) => await node.add(await node.makePod(`p${n}`), network())),
    );
  }
  const first = await upkeep(node);
  const idle = await upkeep(node, { repeat: PASSES });
  const swept = await upkeep(node, { verb: "reconcile", repeat: PASSES });
  await node.host.run("nft", "delete", "table", "inet", "headcni");
  const mended = await upkeep(node);
  const times = { first, idle, reconcile: swept, mended };
  for (const [name, { durationMs, changes }] of Object.entries(times)) {
    console.log(`${pods} pods: ${name}: ${durationMs.toFixed(1)} ms, ${changes.length} changes`);
  }
}
