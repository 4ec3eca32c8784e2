/** The daemon and the API server: what each learns of the other, and that neither waits for it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { conflistPath, TestDaemon } from "./daemon.ts";
import { assertReaches, InstalledPlugin } from "./installed_plugin.ts";
import { nodeTest, type TestNode } from "./plugin.ts";

const SCRIPT = fromFileUrl(new URL("run_api_server.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** An API server in the node's namespace. */
class NodeApiServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#orders = child.stdin.getWriter();
    this.#output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async start(node: TestNode): Promise<NodeApiServer> {
    await node.host.run("ip", "link", "set", "lo", "up");
    const run = [Deno.execPath(), "run", "-A", "--no-check", "--frozen", "--config", CONFIG];
    const server = new NodeApiServer(
      new Deno.Command("nsenter", {
        args: [`--net=${node.host.path}`, ...run, SCRIPT, kubeconfigPath(node)],
        stdin: "piped",
        stdout: "piped",
      }).spawn(),
    );
    assertEquals(await server.#line(), "ready");
    return server;
  }

  /** Prefixes to assign, or a change of behaviour. */
  async order(order: unknown): Promise<void> {
    await this.#orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
  }

  /** The next patch that it got, without times. */
  async patch(): Promise<unknown> {
    return JSON.parse(await this.#line(), (key, value) => /Time$|since$/.test(key) ? "now" : value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#output.cancel();
    await this.#orders.abort();
    await this.#child.status;
  }

  async #line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error("Cannot hear of the API server: it has ended");
      this.#rest += value;
    }
    const [line = "", ...rest] = this.#rest.split("\n");
    this.#rest = rest.join("\n");
    return line;
  }
}

function kubeconfigPath({ root }: Pick<TestNode, "root">): string {
  return `${root}/kubeconfig`;
}

/** Settings by which only the API server names the pod network. */
function askingSettings(node: TestNode) {
  const kube = { access: "auto", kubeconfig: kubeconfigPath(node) };
  return { network: { podCIDR: {} }, kube };
}

const ANNOTATIONS = {
  metadata: {
    annotations: {
      "headcni.pod.cidr": "10.9.0.0/24,fd00:9::/64",
      "headcni.pod.cidr.source": "api-server",
      "headcni.pod.cidr.since": "now",
    },
  },
};

nodeTest("daemon: a pod network that is assigned late is used, and told", async (node) => {
  await using server = await NodeApiServer.start(node);
  await using daemon = await TestDaemon.spawn(node, { settings: askingSettings(node) });
  await daemon.saw({ message: "The node is not ready" });
  const { problems } = await daemon.status();
  assertStringIncludes(String(problems), "no network for the pods of this node");
  await daemon.after(() => server.order(["10.9.0.0/24", "fd00:9::/64"]), {
    message: "The node is ready",
  });
  assertEquals(await server.patch(), ANNOTATIONS);
  assertEquals(await server.patch(), {
    status: {
      conditions: [{
        type: "NetworkUnavailable",
        status: "False",
        reason: "HeadCNIIsUp",
        message: "HeadCNI has set up the network of this node",
        lastTransitionTime: "now",
        lastHeartbeatTime: "now",
      }],
    },
  });
  const plugin = await InstalledPlugin.read(node);
  await plugin.status();
  const pod = await node.makePod();
  await assertReaches(pod, await plugin.add(pod));
  assertEquals((await daemon.status()).apiServer, "ok");
});

nodeTest("daemon: without its API server the last good value is used", async (node) => {
  {
    await using server = await NodeApiServer.start(node);
    await server.order(["10.9.0.0/24", "fd00:9::/64"]);
    await using daemon = await TestDaemon.start(node, { settings: askingSettings(node) });
    await daemon.end("SIGKILL");
  }
  await using daemon = await TestDaemon.start(node, { settings: askingSettings(node) });
  const { source, podCidrs, apiServer } = await daemon.status();
  assertEquals({ source, podCidrs }, {
    source: "last-good",
    podCidrs: ["10.9.0.0/24", "fd00:9::/64"],
  });
  assertStringIncludes(String(apiServer), "Cannot ask the API server");
  const plugin = await InstalledPlugin.read(node);
  const pod = await node.makePod();
  await assertReaches(pod, await plugin.add(pod));
});

nodeTest(
  "daemon: that it may not patch its Node harms nothing, and is tried once",
  async (node) => {
    await using server = await NodeApiServer.start(node);
    await server.order({ refusePatch: 403 });
    await server.order(["10.9.0.0/24", "fd00:9::/64"]);
    await using daemon = await TestDaemon.start(node, { settings: askingSettings(node) });
    await daemon.turned();
    await daemon.turned();
    const refused = daemon.lines.filter(({ message }) =>
      message === "Cannot tell the API server of this node"
    );
    assertEquals(refused.map(({ level }) => level), ["info", "info"], "one for each resource");
  },
);

nodeTest("daemon: an API server that never answers keeps nothing waiting", async (node) => {
  await node.host.run("ip", "link", "set", "lo", "up");
  await using server = await NodeApiServer.start(node);
  await server.order(["10.10.0.0/24"]);
  await server.order({ isSilent: true });
  const { kube } = askingSettings(node);
  await using daemon = await TestDaemon.start(node, { settings: { kube } });
  assertEquals((await daemon.status()).source, "config");
  await daemon.mended("conflist", () => Deno.remove(conflistPath(node)));
  const { code, durationMs } = await daemon.end("SIGTERM");
  assertEquals(code, 0);
  assert(durationMs < 2_000, `its end took ${durationMs} ms`);
});
