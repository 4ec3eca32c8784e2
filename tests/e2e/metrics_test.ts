/** The metrics of a daemon that works, as those who gather them read them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { pause } from "../../lib/pause.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { TestDaemon } from "../netns/daemon.ts";
import { readNetwork } from "../netns/installed_plugin.ts";
import { TestNode } from "../netns/plugin.ts";
import { findPromtool } from "./peers.ts";

const promtool = missingRoot() === "" ? findPromtool() : { path: "", missing: missingRoot() };

/** Of pods, of upkeep and of a mesh: families that an idle daemon has no number of. */
const WANTED = [
  'headcni_ip_allocations_total{network="headcni",pool="default"} 2',
  'headcni_ip_releases_total{network="headcni",pool="default"} 1',
  'headcni_network_errors_total{network="headcni",cause="invalid-netns"} 1',
  'headcni_pod_network_setup_duration_seconds_count{network="headcni"} 2',
  'headcni_leases{network="headcni"} 1',
  'headcni_lease_capacity{network="headcni"} 253',
  'headcni_repairs_total{kind="masquerade"}',
  "tailscale_cni_peer_count 2",
];

testUnless(promtool.missing, "metrics: promtool finds no fault in a scrape", async () => {
  await using node = await TestNode.make();
  await using _ = serveTailscaled(`${node.root}/tailscaled.sock`);
  const tailscale = { mode: "host", socket: { path: `${node.root}/tailscaled.sock` } };
  await using daemon = await TestDaemon.spawn(node, { settings: { tailscale } });
  await daemon.mended("conflist", () => {});
  await attachSome(node);
  let text = "";
  // The stores are counted every 30 seconds.
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(200)) {
    ({ text } = await daemon.ask("/metrics"));
    if (WANTED.every((line) => text.includes(line))) break;
  }
  for (const line of WANTED) assertStringIncludes(text, line);
  assertEquals(await check(text), { code: 0, output: "" });
});

/** Two pods, of which one goes, and one that is refused. */
async function attachSome(node: TestNode): Promise<void> {
  const config = await readNetwork(node);
  const [stays, goes] = [await node.makePod("a"), await node.makePod("b")];
  await node.add(stays, config);
  await node.add(goes, config);
  await node.del(goes, config);
  const env = { CNI_NETNS: `${node.root}/none` };
  await node.call({ verb: "ADD", config, pod: goes, env });
}

/** A tailscaled with two peers. */
function serveTailscaled(path: string): Deno.HttpServer<Deno.UnixAddr> {
  const status = { BackendState: "Running", TUN: true, Peer: { a: {}, b: {} } };
  return Deno.serve(
    { path, onListen: () => {} },
    ({ url }) =>
      url.includes("status")
        ? Response.json(status)
        : Response.json({ WantRunning: true, AdvertiseRoutes: null }),
  );
}

async function check(text: string): Promise<{ readonly code: number; readonly output: string }> {
  const child = new Deno.Command(promtool.path, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
