/**
 * The demonstration of the mesh: a Headscale, two nodes with tailscaled and daemon, and a pod on each,
 * which reach each other by the tailnet and by nothing else. All of it lies in namespaces and folders of
 * its own, which are gone at the end, whatever happens.
 *
 * Usage: ./scripts/demo --mesh
 */
import { ipsOf, missingMesh, pingAll, TestMesh } from "../tests/e2e/tailnet/mesh.ts";

async function main(): Promise<void> {
  say("starting Headscale, and two nodes with tailscaled and the daemon; one is behind a router");
  await using mesh = await TestMesh.start({ behindNat: 2 });
  await mesh.ready();
  const [first] = mesh.members;
  if (!first) throw new Error("Cannot show two nodes: there is none");
  tell(await first.node.tailscale("status"));
  say("adding a pod on each node");
  const [red, blue] = await mesh.addPods();
  if (!red || !blue) throw new Error("Cannot show two pods: there are not two");
  tell(`red ${ipsOf(red).join(", ")}\nblue ${ipsOf(blue).join(", ")}`);
  say("pinging, both ways and in both families");
  await pingAll(red, blue);
  await pingAll(blue, red);
  tell("all answered");
  for (const verb of [["status"], ["routes"], ["check", "--probe"]]) {
    say(`headcni mesh ${verb.join(" ")}`);
    tell(await first.node.headcni("mesh", ...verb));
  }
  const seen = await mesh.internet.seen();
  if (seen > 0) throw new Error(`Cannot call it private: ${seen} packets of pods left in clear`);
  say("no packet of a pod was seen between the nodes");
  say("stopping tailscaled on one node: nothing leaves in clear");
  await first.node.endTailscaled("SIGTERM");
  await red.netns.run("ping", "-c1", "-W1", ipsOf(blue)[0] ?? "").catch(() => {});
  if (await mesh.internet.seen() > 0) throw new Error("a packet of a pod left in clear");
  say("all of it held");
}

function say(text: string): void {
  console.log(`demo: ${text}`);
}

function tell(text: string): void {
  console.log(text.trim().replaceAll(/^/gm, "    "));
}

/** Ends `work` by its own clean-up when somebody interrupts it. */
async function interruptible(work: () => Promise<void>): Promise<number> {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => reject(new Error("interrupted")));
  }
  try {
    await Promise.race([work(), promise]);
    return 0;
  } catch (error) {
    console.error(`demo: FAILED: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

const missing = missingMesh();
if (missing) console.error(`demo: this ${missing}`);
Deno.exitCode = missing ? 1 : await interruptible(main);
if (Deno.exitCode !== 0) Deno.exit();
