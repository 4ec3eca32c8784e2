/** The daemon beside Debian's containerd 1.6: a node that becomes ready, and stays so. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { pause } from "../../lib/pause.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { type DaemonPlace, TestDaemon } from "../netns/daemon.ts";
import { ContainerdHost, missingContainerd } from "./containerd.ts";
import { firstChild } from "./machine.ts";

/** Name of the file that makes the node ready. */
const CONFLIST = "05-headcni.conflist";

/** How long the runtime may take to load a network configuration, and between two questions. */
const SETTLE_MS = 30_000;
const ASK_AGAIN_MS = 20;

/** The machine as the daemon sees it: folders of containerd, locks where the plugins have them. */
function daemonPlace(host: ContainerdHost) {
  const root = join(host.folder, "daemon");
  const socket = join(root, "daemon.sock");
  const place: DaemonPlace = {
    root,
    socket,
    dataDirectory: host.store,
    resultsDirectory: "/var/lib/cni/results",
    enter: host.enter,
    plugin: HEADCNI,
    processOf: firstChild,
  };
  const settings = {
    cni: { confDir: host.netDirectory, binDir: host.bin },
    runDirectory: "/run/headcni",
    socket,
  };
  return { place, settings };
}

async function isReady(host: ContainerdHost): Promise<boolean> {
  return await host.cri.networkFault() === "";
}

async function becomesReady(host: ContainerdHost): Promise<void> {
  const end = AbortSignal.timeout(SETTLE_MS);
  while (!end.aborted && !await isReady(host)) await pause(ASK_AGAIN_MS);
  assertEquals(await host.cri.networkFault(), "");
}

/** Starts a pod whose container can ping. */
async function startPod(host: ContainerdHost, name: string) {
  const id = await host.runPod({ name });
  const container = await host.startContainer(id, { name }, "sleep", "600");
  const { ips } = await host.cri.podState(id);
  return { id, ips, ping: (ip: string) => host.cri.exec(container, "ping", "-c1", "-W5", ip) };
}

testUnless(missingContainerd(), "daemon: pods of containerd, whatever becomes of it", async () => {
  await using host = await ContainerdHost.start([]);
  assertNotEquals(await host.cri.networkFault(), "");
  const { place, settings } = daemonPlace(host);
  await Deno.mkdir(place.root);
  const start = () => TestDaemon.start(place, { settings });

  const first = await start();
  await becomesReady(host);
  const red = await startPod(host, "red");
  assertEquals(red.ips, ["10.9.0.2", "fd00:9::2"]);
  for (const ip of ["10.9.0.1", "fd00:9::1"]) await red.ping(ip);
  await first.turned();

  // Killed in the middle: neither pods nor the runtime notice.
  const before = await host.snapshot();
  await first.end("SIGKILL");
  assertEquals(await host.snapshot(), before);
  const blue = await startPod(host, "blue");
  for (const ip of blue.ips) await red.ping(ip);
  await host.endPod(blue.id);

  {
    await using second = await start();
    await second.turned();
    assertEquals(await host.snapshot(), before);
    // The runtime forgets its network with the file, and gets both back.
    await second.mended("conflist", () => Deno.remove(join(host.netDirectory, CONFLIST)));
    await becomesReady(host);
    const green = await startPod(host, "green");
    for (const ip of red.ips) await green.ping(ip);
    await host.endPod(green.id);
    assertEquals((await second.end("SIGTERM")).code, 0);
  }
  assertEquals(await host.snapshot(), before);
  await red.ping("10.9.0.1");
  await host.endPods();
  await host.expectNoContainer();
});
