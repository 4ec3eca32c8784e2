/** Pods of different nodes, through a real tailnet: what the daemon is for. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { ipsOf, missingMesh, pingAll, pingNone, TestMesh } from "./tailnet/mesh.ts";
import type { MeshNode, MeshPod } from "./tailnet/node.ts";
import { until } from "./tailnet/until.ts";

/** MTU of pods: that of the tailnet's device. */
const MTU = 1280;
/** Of IPv4 and ICMP, RFC 791 and 792; of IPv6 and ICMPv6, RFC 8200 and 4443. */
const HEADER_BYTES = { 4: 28, 6: 48 } as const;

/** The parts of what iperf3 tells that are looked at. */
interface Transfer {
  readonly start: { readonly accepted_connection?: { readonly host: string } };
  readonly end: { readonly sum_received: { readonly bytes: number } };
}

/** Has iperf3 send 100 MB; answers how many bytes came, and which address the receiver saw. */
async function transfer(from: MeshPod, to: MeshPod, ip: string, ...flags: readonly string[]) {
  const server = to.netns.run("iperf3", "-s", "-1", "-J");
  server.catch(() => {}); // told below
  await until("a listener", async () => (await to.netns.run("ss", "-Hltn")).includes(":5201"));
  await from.netns.run("iperf3", "-c", ip, "-n", "100M", "-J", ...flags);
  const { start, end }: Transfer = JSON.parse(await server);
  const host = start.accepted_connection?.host ?? "";
  return { bytes: end.sum_received.bytes, source: host.replace("::ffff:", "") };
}

/** Groups of the doctor that see a node of a mesh, and nothing of the machine. */
const GROUPS = ["daemon", "pod-network", "store", "kernel", "firewall", "mesh"];

/** What the doctor says of a node that it does not call well. */
async function complaints(node: MeshNode): Promise<string[]> {
  const text = await node.headcni("doctor", "--output", "json", "--only", ...GROUPS);
  const { checks }: { checks: { id: string; verdict: string; evidence: string }[] } = JSON.parse(
    text,
  );
  return checks.filter(({ verdict }) => verdict === "fail" || verdict === "warn")
    .map(({ id, evidence }) => `${id}: ${evidence}`);
}

testUnless(
  missingMesh(),
  "mesh: pods of two nodes, one behind a router, by autoApprovers",
  async () => {
    await using mesh = await TestMesh.start({ behindNat: 2 });
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(red, blue);
    await pingAll(blue, red);
    assertEquals(await complaints(mesh.member(1).node), []);

    // Whole packets, of which none may be cut.
    for (const ip of ipsOf(blue)) {
      const header = HEADER_BYTES[ip.includes(":") ? 6 : 4];
      await red.netns.run("ping", "-c1", "-W5", "-M", "do", "-s", String(MTU - header), ip);
      const tooBig = ["ping", "-c1", "-W5", "-M", "do", "-s", String(MTU - header + 1), ip];
      await assertRejects(() => red.netns.run(...tooBig));
    }

    // 100 MB, both ways, and each sees the other's own address.
    for (const [at, ip] of ipsOf(blue).entries()) {
      for (const flags of [[], ["-R"]]) {
        const { bytes, source } = await transfer(red, blue, ip, ...flags);
        assertEquals(source, ipsOf(red)[at]);
        if (flags.length === 0) assert(bytes >= 100e6, `${bytes} bytes came`);
      }
    }
    assertEquals(await mesh.internet.seen(), 0);

    // Without the tailnet nothing answers, and nothing leaves in clear.
    const { node } = mesh.member(1);
    await node.endTailscaled("SIGTERM");
    await pingNone(red, blue);
    await pingNone(blue, red);
    await assertRejects(() => node.headcni("doctor", "--only", "mesh"), Error, "mesh-tailscaled");
    assertEquals(await mesh.internet.seen(), 0);
    node.startTailscaled();
    await pingAll(red, blue);
    assertEquals(await mesh.internet.seen(), 0);
  },
);
