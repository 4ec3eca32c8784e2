import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import * as v from "valibot";
import { ClientError } from "../errors.ts";
import { askDaemon, askDaemonByTcp, DaemonSilent, parseStatus } from "./ask_daemon.ts";

/** Runs with the path of a socket that is not there yet. */
async function withSocket(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await use(`${folder}/daemon.sock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Why there was no answer. */
async function silenceAt(path: string): Promise<DaemonSilent> {
  return await assertRejects(() => askDaemon(path, "/status", 50), DaemonSilent);
}

Deno.test("askDaemon: answers what the daemon answers, a failure too", async () => {
  await withSocket(async (path) => {
    const handle = ({ url }: Request) => new Response(new URL(url).pathname, { status: 503 });
    await using _server = Deno.serve({ path, onListen: () => {} }, handle);
    assertEquals(await askDaemon(path, "/readyz"), { status: 503, text: "/readyz" });
  });
});

Deno.test("askDaemon: a socket that is not there, or that nobody listens at, is a daemon that stopped", async () => {
  await withSocket(async (path) => {
    assertEquals((await silenceAt(path)).silence, "stopped");
    const listener = Deno.listen({ transport: "unix", path: `${path}.first` });
    await Deno.link(`${path}.first`, path);
    listener.close();
    const left = await silenceAt(path);
    assertEquals(left.silence, "stopped");
    assertStringIncludes(left.message, "nobody listens there any more");
  });
});

Deno.test("askDaemon: of one that does not answer it is not known whether it runs", async () => {
  await withSocket(async (path) => {
    using _listener = Deno.listen({ transport: "unix", path });
    const { silence, message } = await silenceAt(path);
    assertEquals(silence, "unknown");
    assertEquals(message, `Cannot ask the daemon at "${path}": it did not answer in 0.05 s`);
  });
});

Deno.test("askDaemonByTcp: answers the same, and says how long it waited", async () => {
  const gate = Promise.withResolvers<Response>();
  const handle = ({ url }: Request) =>
    new URL(url).pathname === "/late" ? gate.promise : new Response("no", { status: 503 });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handle);
  const base = `http://127.0.0.1:${server.addr.port}`;
  assertEquals(await askDaemonByTcp(`${base}/readyz`), { status: 503, text: "no" });
  await assertRejects(
    () => askDaemonByTcp(`${base}/late`, 50),
    ClientError,
    `Cannot get "${base}/late": it did not answer in 0.05 s`,
  );
  gate.resolve(new Response());
});

Deno.test("parseStatus: what is wanted of it, and who answers if that is not there", () => {
  const schema = v.object({ version: v.string() });
  const text = '{"version":"9","more":1}';
  assertEquals(parseStatus(schema, { status: 200, text }, "/s"), { version: "9" });
  for (const other of ["{}", "no JSON"]) {
    assertThrows(
      () => parseStatus(schema, { status: 404, text: other }, "/s"),
      ClientError,
      'Cannot understand the daemon at "/s": it answers 404: ',
    );
  }
});
