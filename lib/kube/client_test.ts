import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FakeApiServer } from "../../tests/fakes/api_server.ts";
import { KubeClient, KubeError, type NodeEvent } from "./client.ts";

Deno.test("KubeClient: reads a node with its prefixes, by its certificate and token", async () => {
  await using server = await FakeApiServer.start();
  using client = new KubeClient(server.access);
  assertEquals((await client.getNode(server.nodeName)).podCidrs, []);
  server.assign("10.244.1.0/24", "fd00:1::/64");
  const node = await client.getNode(server.nodeName);
  assertEquals(node.podCidrs, ["10.244.1.0/24", "fd00:1::/64"]);
  assertEquals(server.seen[0]?.authorization, "Bearer secret");
});

Deno.test("KubeClient: a server with another certificate is refused", async () => {
  await using server = await FakeApiServer.start();
  await using other = await FakeApiServer.start();
  const { caPem } = other.access;
  using client = new KubeClient({ ...server.access, caPem });
  const error = await assertRejects(() => client.getNode(server.nodeName), KubeError);
  assertEquals(error.status, 0);
  assertMatch(error.message, /for "[^"]*": .*invalid peer certificate/);
});

Deno.test("KubeClient: a server that nobody reaches is told by what keeps us from it", async () => {
  const server = await FakeApiServer.start();
  const { access, nodeName } = server;
  await server[Symbol.asyncDispose]();
  using client = new KubeClient(access);
  const error = await assertRejects(() => client.getNode(nodeName), KubeError);
  assertMatch(error.message, /^Cannot ask the API server "https:[^"]*" for .*Connection refused/);
});

Deno.test("KubeClient: what the server refuses is told with its status and words", async () => {
  await using server = await FakeApiServer.start();
  using client = new KubeClient(server.access);
  for (const status of [401, 403, 404, 500]) {
    server.behaviour.refuse = status;
    const call = () => client.getNode(server.nodeName);
    const error = await assertRejects(call, KubeError, `no luck, ${status}`);
    assertEquals(error.status, status);
  }
});

Deno.test("KubeClient: a watch tells of changes, bookmarks and the end of the node", async () => {
  await using server = await FakeApiServer.start();
  using client = new KubeClient(server.access);
  const events: NodeEvent[] = [];
  const watching = (async () => {
    const signal = new AbortController().signal;
    for await (const event of client.watchNode(server.nodeName, "1", signal)) events.push(event);
  })();
  await server.watched(1);
  server.assign("10.244.1.0/24");
  server.send("BOOKMARK", { kind: "Node", metadata: { resourceVersion: "77" } });
  server.send("NEWS", {});
  server.remove();
  server.sendText('{"type":"MODIFIED","obj'); // cut off in the middle of a line
  server.endWatches();
  await watching;
  assertEquals(events.map(({ type }) => type), ["node", "bookmark", "deleted"]);
  const { query } = server.seen.at(-1) ?? { query: {} };
  assertEquals(query, {
    watch: "true",
    fieldSelector: "metadata.name=edge-7",
    resourceVersion: "1",
    allowWatchBookmarks: "true",
    timeoutSeconds: "300",
  });
});

Deno.test("KubeClient: an error in a stream is one, with its code", async () => {
  await using server = await FakeApiServer.start();
  using client = new KubeClient(server.access);
  const watch = async () => {
    const signal = new AbortController().signal;
    for await (const _ of client.watchNode(server.nodeName, "1", signal));
  };
  const watching = assertRejects(watch, KubeError, "410 too old");
  await server.watched(1);
  server.send("ERROR", { kind: "Status", code: 410, message: "too old" });
  assertEquals((await watching).status, 410);
});

Deno.test("KubeClient: a watch that the server does not end in time is given up", async () => {
  await using server = await FakeApiServer.start();
  using client = new KubeClient(server.access, 50);
  const watch = async () => {
    const signal = new AbortController().signal;
    for await (const _ of client.watchNode(server.nodeName, "1", signal));
  };
  await assertRejects(watch, Error, "timeout");
});

Deno.test("KubeClient: patches annotations by merge, conditions by strategic merge", async () => {
  await using server = await FakeApiServer.start();
  using client = new KubeClient(server.access);
  await client.patchNode(server.nodeName, { metadata: { annotations: { a: "b" } } });
  await client.patchNode(server.nodeName, { status: { conditions: [] } }, "status");
  assertEquals(server.seen.map(({ method, path, contentType }) => [method, path, contentType]), [
    ["PATCH", "/api/v1/nodes/edge-7", "application/merge-patch+json"],
    ["PATCH", "/api/v1/nodes/edge-7/status", "application/strategic-merge-patch+json"],
  ]);
  assertEquals(server.seen[0]?.body, { metadata: { annotations: { a: "b" } } });
});
