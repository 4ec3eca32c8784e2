/** How a node gets into its tailnet, and back into it: by every kind of key, on every release. */
import { assertEquals } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { READY, type TestDaemon } from "../netns/daemon.ts";
import {
  HEADSCALE_VERSIONS,
  HeadscaleServer,
  type ListedNode,
  TAG,
  USER,
} from "./tailnet/headscale.ts";
import { Internet } from "./tailnet/internet.ts";
import { isReadyAgain, missingMesh, policyOf } from "./tailnet/mesh.ts";
import { MeshNode } from "./tailnet/node.ts";
import { until } from "./tailnet/until.ts";

/** What a node is logged in by. */
type Means = "key for one login" | "reusable key" | "API key, user" | "API key, tag";
const MEANS: readonly Means[] = [
  ...["key for one login", "reusable key", "API key, user", "API key, tag"] as const,
];

for (const version of HEADSCALE_VERSIONS) {
  testUnless(missingMesh(version), `mesh: in and back again, Headscale ${version}`, async () => {
    await using internet = await Internet.make();
    const policy = policyOf(version, "auto-approvers");
    await using headscale = await HeadscaleServer.start(internet, version, policy);
    await using owned = new AsyncDisposableStack();
    const nodes = await Promise.all(
      MEANS.map(async (means, index) =>
        owned.use(await LoginNode.start(internet, headscale, means, index + 1))
      ),
    );
    await Promise.all(nodes.map((node) => node.goAndReturn()));
  });
}

/** A node that is logged in by one of the means. */
class LoginNode implements AsyncDisposable {
  readonly #headscale: HeadscaleServer;
  readonly #means: Means;
  readonly #node: MeshNode;
  readonly #daemon: TestDaemon;

  private constructor(
    headscale: HeadscaleServer,
    means: Means,
    node: MeshNode,
    daemon: TestDaemon,
  ) {
    this.#headscale = headscale;
    this.#means = means;
    this.#node = node;
    this.#daemon = daemon;
  }

  static async start(
    internet: Internet,
    headscale: HeadscaleServer,
    means: Means,
    number: number,
  ): Promise<LoginNode> {
    const node = await MeshNode.make(internet, headscale, { number });
    try {
      const daemon = await node.startDaemon({
        settings: node.settings(await settingsOf(node, headscale, means)),
      });
      return new LoginNode(headscale, means, node, daemon);
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** It logs in; its key expires; it is logged out: each time it is back, as the node that it was. */
  async goAndReturn(): Promise<void> {
    const daemon = this.#daemon;
    await daemon.saw(READY);
    const before = await this.#listed();
    const losses: [string, () => Promise<unknown>][] = [
      ["the key of the node has expired", () => this.#headscale.expire(before.id)],
      ["the node was logged out", () => this.#node.tailscale("logout")],
    ];
    const isSpent = this.#means === "key for one login";
    for (const [reason, lose] of isSpent ? losses.slice(0, 1) : losses) {
      const from = daemon.lines.length;
      await lose();
      await daemon.saw({ message: "Join the tailnet", reason }, from);
      if (isSpent) await this.#replaceKey();
      await isReadyAgain(daemon);
    }
    const { id, ip_addresses } = await this.#listed();
    assertEquals([id, ip_addresses], [before.id, before.ip_addresses], this.#means);
  }

  /** The key does no more, and the daemon says so: another is put in its place. */
  async #replaceKey(): Promise<void> {
    await until(
      "why",
      async () => /already.* used/i.test((await this.#daemon.ask("/readyz")).text),
    );
    await this.#node.keyFile("key", await this.#headscale.makeAuthKey({ isReusable: false }));
  }

  async #listed(): Promise<ListedNode> {
    const address = (await this.#node.tailscale("ip", "-4")).trim();
    const nodes = await this.#headscale.listNodes();
    const found = nodes.find(({ ip_addresses }) => ip_addresses.includes(address));
    if (!found) throw new Error(`Headscale knows no node with ${address}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }
}

/** Settings of a daemon. */
async function settingsOf(
  node: MeshNode,
  headscale: HeadscaleServer,
  means: Means,
): Promise<Record<string, unknown>> {
  const { url, caFile } = headscale;
  const tailscale = { mode: "host", socket: { path: node.socket } };
  if (means === "key for one login" || means === "reusable key") {
    const key = await headscale.makeAuthKey({ isReusable: means === "reusable key" });
    return { tailscale: { ...tailscale, authKeyFile: await node.keyFile("key", key) } };
  }
  const authKeyFile = await node.keyFile("api-key", await headscale.makeApiKey());
  return {
    tailscale: { ...tailscale, user: USER, tags: means === "API key, tag" ? [TAG] : [] },
    headscale: { url, caFile, authKeyFile },
  };
}
