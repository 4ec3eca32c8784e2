/** Logins that Headscale refuses: what the daemon says about them is true, and helps. */
import { assert, assertEquals } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { READY, type TestDaemon } from "../netns/daemon.ts";
import { HeadscaleServer, type HeadscaleVersion, TAG } from "./tailnet/headscale.ts";
import { Internet } from "./tailnet/internet.ts";
import { missingMesh, policyOf } from "./tailnet/mesh.ts";
import { MeshNode } from "./tailnet/node.ts";
import { until } from "./tailnet/until.ts";

/** The release that refuses. */
const VERSION: HeadscaleVersion = "0.29.2";

/** A node, whose daemon logs it in by a key that may be used again. */
interface Stage {
  readonly headscale: HeadscaleServer;
  readonly node: MeshNode;
  startDaemon(tags?: readonly string[]): Promise<TestDaemon>;
}

/** A test with a node that nobody logged in yet. */
function loginTest(name: string, test: (stage: Stage) => Promise<void>): void {
  testUnless(missingMesh(VERSION), name, async () => {
    await using internet = await Internet.make();
    const policy = policyOf(VERSION, "auto-approvers");
    await using headscale = await HeadscaleServer.start(internet, VERSION, policy);
    await using node = await MeshNode.make(internet, headscale, { number: 1 });
    const startDaemon = async (tags: readonly string[] = []) => {
      const authKeyFile = await node.keyFile("key", await headscale.makeAuthKey({ tags }));
      const tailscale = { mode: "host", socket: { path: node.socket }, authKeyFile };
      return await node.startDaemon({ settings: node.settings({ tailscale }) });
    };
    await test({ headscale, node, startDaemon });
  });
}

/** Waits until the node is not ready for a reason; answers the command that is told for it. */
async function told(daemon: TestDaemon, command: RegExp): Promise<string> {
  return await until("the way out", async () => {
    const [found] = command.exec((await daemon.ask("/readyz")).text) ?? [];
    return found;
  });
}

loginTest(
  "mesh: tags that a person asks for keep the node out, until they are taken back",
  async ({ headscale, node, startDaemon }) => {
    await until("tailscaled listen", () => node.tailscale("debug", "prefs"));
    // It waits for somebody to log the node in at a URL, and goes.
    await node.tailscale(
      ...["up", "--login-server", headscale.url, "--advertise-tags", TAG, "--timeout", "1s"],
    ).catch(() => {});
    const daemon = await startDaemon();
    const command = await told(daemon, /tailscale --socket=\S+ up --advertise-tags=/);
    assertEquals(command, `tailscale --socket=${node.socket} up --advertise-tags=`);
    // It names the flags that are missing, as a command.
    const [, flags = ""] = await node.tailscale("up", "--advertise-tags=").then(
      () => [],
      (error) => /tailscale up (.*)/.exec(error.message.split("settings:\n").at(-1)) ?? [],
    );
    assert(flags.startsWith("--advertise-tags= "), flags);
    await node.tailscale("up", ...flags.split(" "));
    await daemon.saw(READY);
  },
);

loginTest(
  "mesh: a node with tags that was logged out is back once its expiry is lifted on the server",
  async ({ headscale, node, startDaemon }) => {
    const daemon = await startDaemon([TAG]);
    await daemon.saw(READY);
    const from = daemon.lines.length;
    await node.tailscale("logout");
    const command = await told(daemon, /headscale nodes expire --disable -i/);
    const [{ id } = { id: 0 }] = await headscale.listNodes();
    await headscale.cli(...command.split(" ").slice(1), String(id));
    await daemon.saw(READY, from);
    assertEquals((await headscale.listNodes()).map((each) => each.id), [id]);
  },
);
