import { FakeApiServer } from "../../tests/fakes/api_server.ts";
import { assert, assertEquals } from "@std/assert";
import type { KubeAccess } from "../kube/access.ts";
import { KubeClient } from "../kube/client.ts";
import { followNode } from "./follow_node.ts";

/** Follows the node of a server until disposed of, and lets a test wait for what is told. */
class Following implements AsyncDisposable {
  readonly told: string[] = [];
  /** How often a client was asked for. */
  opened = 0;
  readonly #end = new AbortController();
  readonly #owned = new DisposableStack();
  readonly #running: Promise<void>;
  #wake: () => void = () => {};

  constructor(server: FakeApiServer, makeClient = () => new KubeClient(server.access)) {
    const open = () => {
      this.opened++;
      return this.#owned.use(makeClient());
    };
    const tell = (text: string) => {
      if (this.told.at(-1) !== text) this.told.push(text);
      this.#wake();
    };
    const follower = {
      onNode: (node?: { podCidrs: readonly string[] }) =>
        tell(node ? `node ${node.podCidrs}` : "no node"),
      onTrouble: (reason?: string) => {
        if (reason !== undefined) tell(`trouble ${/\b[45]\d\d\b/.exec(reason)?.[0] ?? "unknown"}`);
      },
    };
    const delays = { firstDelayMs: 5, maxDelayMs: 20, accessDelayMs: 5 };
    const { signal } = this.#end;
    this.#running = followNode(open, server.nodeName, follower, signal, delays);
  }

  /** Waits until the last that was told is that. */
  async hears(text: string): Promise<void> {
    while (this.told.at(-1) !== text) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
    this.#owned.dispose();
  }
}

Deno.test("followNode: prefixes that come late, and change", async () => {
  await using server = await FakeApiServer.start();
  await using following = new Following(server);
  await following.hears("node ");
  await server.watched(1);
  server.assign("10.244.1.0/24");
  await following.hears("node 10.244.1.0/24");
  server.assign("10.244.9.0/24", "fd00:9::/64");
  await following.hears("node 10.244.9.0/24,fd00:9::/64");
});

Deno.test("followNode: goes on after streams that end or are cut off, from where it was", async () => {
  await using server = await FakeApiServer.start();
  await using following = new Following(server);
  for (const [at, how] of (["end", "cut", "end"] as const).entries()) {
    await server.watched(at + 1);
    server.endWatches(how);
    await server.watched(at + 2);
    server.assign(`10.244.${at}.0/24`);
    await following.hears(`node 10.244.${at}.0/24`);
  }
});

Deno.test("followNode: a version that is forgotten is asked for anew, in a stream or before it", async () => {
  await using server = await FakeApiServer.start();
  await using following = new Following(server);
  await server.watched(1);
  server.send("ERROR", { kind: "Status", code: 410, message: "too old" });
  await server.watched(2);
  server.assign("10.244.1.0/24");
  await following.hears("node 10.244.1.0/24");
  server.behaviour.refuseWatch = 410;
  server.endWatches();
  await waitFor(() => server.seen.filter(({ query }) => query.watch).length >= 5);
  server.behaviour.refuseWatch = 0;
  await server.watched(3);
  server.assign("10.244.2.0/24");
  await following.hears("node 10.244.2.0/24");
});

Deno.test("followNode: a server that forgets all is not asked again and again at once", async () => {
  await using server = await FakeApiServer.start();
  server.behaviour.refuseWatch = 410;
  await using following = new Following(server);
  await following.hears("trouble 410");
  assertEquals(server.seen.filter(({ query }) => query.watch).length, 2);
});

Deno.test("followNode: access that comes late is used, and another one after a failure", async () => {
  await using server = await FakeApiServer.start();
  await using other = await FakeApiServer.start();
  let access: KubeAccess | undefined;
  await using following = new Following(server, () => {
    if (!access) throw new Error("no access");
    return new KubeClient(access);
  });
  await following.hears("trouble unknown");
  access = server.access;
  await following.hears("node ");
  await server.watched(1);
  access = other.access;
  server.behaviour.refuse = 401;
  server.endWatches();
  await other.watched(1);
  other.assign("10.244.1.0/24");
  await following.hears("node 10.244.1.0/24");
});

Deno.test("followNode: a watch whose connection is dead is begun anew on another one", async () => {
  await using server = await FakeApiServer.start();
  await using following = new Following(server, () => new KubeClient(server.access, 50));
  await server.watched(2);
  assert(following.opened > 1);
});

Deno.test("followNode: trouble is told, and over when it is over", async () => {
  await using server = await FakeApiServer.start();
  server.behaviour.refuse = 401;
  await using following = new Following(server);
  await following.hears("trouble 401");
  server.behaviour.refuse = 0;
  await following.hears("node ");
  await server.watched(1);
  server.remove();
  await following.hears("no node");
  server.assign("10.244.3.0/24");
  await following.hears("node 10.244.3.0/24");
});

async function waitFor(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}
