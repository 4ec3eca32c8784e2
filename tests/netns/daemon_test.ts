/** How the daemon begins and ends, and what of the node does not notice. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { tellCallers } from "./callers.ts";
import { conflistPath, fileVersions, type LogLine, READY, TestDaemon } from "./daemon.ts";
import { assertReaches, InstalledPlugin } from "./installed_plugin.ts";
import { assertSameLines, nodeTest } from "./plugin.ts";

/** From the order to end until the end, in milliseconds: the bar of the project. */
const END_MS = 2_000;

nodeTest("daemon: a pod comes by its conflist, with nothing else on the node", async (node) => {
  await using daemon = await TestDaemon.start(node);
  const plugin = await InstalledPlugin.read(node);
  await plugin.status();
  const pod = await node.makePod();
  const result = await plugin.add(pod);
  await assertReaches(pod, result);
  await plugin.check(pod, result);
  assertEquals(await daemon.ask("/livez"), { status: 200, text: "ok\n" });
  assertEquals(await daemon.ask("/readyz"), { status: 200, text: "ok\n" });
  assertEquals(JSON.parse((await daemon.ask("/health")).text).status, "healthy");
  const { ready, podCidrs, source, reasons } = await daemon.status();
  assertEquals({ ready, podCidrs, source, reasons }, {
    ready: true,
    podCidrs: ["10.9.0.0/24", "fd00:9::/64"],
    source: "config",
    reasons: [],
  });
  const { text } = await daemon.ask("/metrics");
  assertStringIncludes(text, 'headcni_pod_cidr_info{cidr="10.9.0.0/24",source="config"} 1');
  for (const path of [daemon.socket, conflistPath(node)]) {
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600, path);
  }
  await plugin.del(pod);
});

nodeTest("daemon: its end, by an order or by SIGKILL, is nothing to pods", async (node) => {
  const pod = await node.makePod();
  const first = await TestDaemon.start(node);
  const plugin = await InstalledPlugin.read(node);
  const result = await plugin.add(pod);
  await first.end("SIGKILL");
  const [before, files] = [await node.snapshot([pod]), await fileVersions(node)];
  await using second = await TestDaemon.start(node);
  await assertReaches(pod, result);
  const { code, signal, durationMs } = await second.end("SIGTERM");
  assertEquals({ code, signal, said: second.said }, { code: 0, signal: null, said: [] });
  assert(durationMs < END_MS, `it took ${durationMs} ms`);
  assertSameLines(await node.snapshot([pod]), before);
  const kept = files.filter((file) => !file.startsWith("run/state.json "));
  assertSameLines((await fileVersions(node)).join("\n"), kept.join("\n"));
  // Nobody runs: pods come, stay and go all the same.
  await plugin.check(pod, result);
  const other = await node.makePod();
  await assertReaches(other, await plugin.add(other));
  await plugin.del(pod);
  await plugin.del(other);
});

/** Lines of the log of a first start, in their order. */
const POINTS: readonly LogLine[] = [
  { message: "Use 10.9.0.0/24" },
  { message: "Installed an executable" },
  { message: "Mended the node", kind: "subnet_file" },
  { message: "Mended the node", kind: "bridge" },
  { message: "Changed a network configuration" },
  READY,
];

nodeTest(
  "daemon: one that is killed at any point is followed by one that is well",
  async (node) => {
    for (const point of POINTS) {
      await using daemon = await TestDaemon.spawn(node);
      await daemon.saw(point);
      await daemon.end("SIGKILL");
      for (const folder of ["conf", "bin", "run"]) {
        await Deno.remove(`${node.root}/${folder}/05-headcni.conflist`).catch(() => {});
      }
      await Deno.remove(`${node.root}/bin`, { recursive: true }).catch(() => {});
    }
    await using daemon = await TestDaemon.start(node);
    const plugin = await InstalledPlugin.read(node);
    const pod = await node.makePod();
    await assertReaches(pod, await plugin.add(pod));
    await daemon.turned();
    const files = await fileVersions(node);
    assertEquals(files.filter((file) => file.includes("/.")), [], "nothing is left of the killed");
  },
);

nodeTest("daemon: pods come and go while it is killed again and again", async (node) => {
  await (await TestDaemon.start(node)).end("SIGKILL");
  const plugin = await InstalledPlugin.read(node);
  const kept = await node.makePod();
  const result = await plugin.add(kept);
  const isOver = { value: false };
  const killing = (async () => {
    for (let round = 0; !isOver.value; round++) {
      await using daemon = await TestDaemon.spawn(node);
      // Each time somewhat later: in the first turn, after it, in another one.
      await daemon.saw(round % 2 ? READY : { message: "Use 10.9.0.0/24" });
      await daemon.end("SIGKILL");
    }
  })();
  try {
    for (let round = 0; round < 8; round++) {
      const pod = await node.makePod();
      await assertReaches(pod, await plugin.add(pod));
      await plugin.del(pod);
    }
  } finally {
    isOver.value = true;
    await killing;
  }
  await assertReaches(kept, result);
  await plugin.check(kept, result);
});

nodeTest("daemon: a second one on the node refuses, and names the first", async (node) => {
  await using first = await TestDaemon.start(node);
  await using second = await TestDaemon.spawn(node);
  assertEquals((await second.ended()).code, 1);
  assertStringIncludes(second.said.join("\n"), `process ${first.pid} is the daemon of this node`);
  assertEquals((await first.ask("/readyz")).status, 200, "its socket is still that of the first");
});

nodeTest("daemon: a request that never ends does not keep it from its end", async (node) => {
  await using daemon = await TestDaemon.start(node);
  using caller = await Deno.connect({ transport: "unix", path: daemon.socket });
  await caller.write(new TextEncoder().encode("GET /livez HTTP/1.1\r\nHost: x\r\n"));
  using idle = await Deno.connect({ transport: "unix", path: daemon.socket });
  await daemon.turned();
  const { code, durationMs } = await daemon.end("SIGTERM");
  assertEquals(code, 0);
  assert(durationMs < END_MS, `it took ${durationMs} ms`);
  assertEquals(await idle.read(new Uint8Array(1)), null);
});

nodeTest("daemon: systemd hears that it is up, and that it ends", async (node) => {
  const socket = `${node.root}/notify`;
  await using manager = await ServiceManager.listen(socket);
  await using daemon = await TestDaemon.start(node, { env: { NOTIFY_SOCKET: socket } });
  assertEquals(await manager.next(), "READY=1\nSTATUS=The node is ready");
  await daemon.end("SIGTERM");
  assertEquals(await manager.next(), "STOPPING=1");
});

nodeTest("daemon: it is up for systemd although no source names a pod network", async (node) => {
  const socket = `${node.root}/notify`;
  await using manager = await ServiceManager.listen(socket);
  await using daemon = await TestDaemon.spawn(node, {
    settings: { network: { podCIDR: {} } },
    env: { NOTIFY_SOCKET: socket },
  });
  assertMatch(await manager.next(), /^READY=1\nSTATUS=no network for the pods of this node/);
  const { level } = await daemon.saw({ message: "The node is not ready" });
  assertEquals(level, "warn");
  assertEquals((await daemon.ask("/livez")).status, 200);
  assertEquals((await daemon.ask("/readyz")).status, 503);
  assertEquals((await daemon.ask("/health")).status, 503);
  assertEquals(await exists(conflistPath(node)), false);
});

nodeTest("daemon: logs text for people", async (node) => {
  const settings = { logging: { format: "text", level: "info" } };
  await using daemon = await TestDaemon.spawn(node, { settings });
  await daemon.heard(/^\S+Z INFO {2}The node is ready$/);
  await daemon.end("SIGTERM");
  assertEquals(daemon.said.filter((line) => !/^\S+Z (INFO|WARN) +\S/.test(line)), []);
});

/** What listens in systemd's place. */
class ServiceManager implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async listen(socket: string): Promise<ServiceManager> {
    const script = new URL("receive_states.ts", import.meta.url).pathname;
    const manager = new ServiceManager(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--unstable-net", "--no-config", script, socket],
        stdout: "piped",
      }).spawn(),
    );
    assertEquals(await manager.next(), "ready");
    return manager;
  }

  /** The next datagram. */
  async next(): Promise<string> {
    const end = "\0\n";
    while (!this.#rest.includes(end)) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("Cannot hear from the daemon: the receiver has ended");
      this.#rest += value;
    }
    const at = this.#rest.indexOf(end);
    const text = this.#rest.slice(0, at);
    this.#rest = this.#rest.slice(at + end.length);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#lines.cancel();
    await this.#child.status;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

nodeTest("daemon: a port for its metrics that another has keeps no pod waiting", async (node) => {
  await node.host.run("ip", "link", "set", "lo", "up");
  const other = await tellCallers(node.host, { name: "other", address: "127.0.0.1", port: 9001 });
  const settings = { monitoring: { enabled: true, port: 9001 }, resyncInterval: "1s" };
  await using daemon = await TestDaemon.start(node, { settings });
  await daemon.saw({ message: "Serve no metrics for now" });
  await daemon.after(() => other[Symbol.asyncDispose](), { message: "Serve metrics" });
  const text = await node.host.run("curl", "-sSf", "http://127.0.0.1:9001/metrics");
  assertStringIncludes(text, "headcni_");
});
