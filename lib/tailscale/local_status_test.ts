import { assertEquals, assertRejects } from "@std/assert";
import { ClientError } from "../errors.ts";
import { readLocalStatus } from "./local_status.ts";

/** A tailscaled that gives one answer. */
async function withAnswer(
  answer: (request: Request) => Response,
  test: (socket: string) => Promise<void>,
) {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  const path = `${directory}/tailscaled.sock`;
  const server = Deno.serve({ path, onListen: () => {} }, answer);
  try {
    await test(path);
  } finally {
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("readLocalStatus: state and peers, also when there are none", async () => {
  const bodies = [
    [{ BackendState: "Running", Peer: { a: {}, b: {} }, Self: {} }, ["Running", 2]],
    [{ BackendState: "NeedsLogin", Peer: null }, ["NeedsLogin", 0]],
  ] as const;
  for (const [body, expected] of bodies) {
    await withAnswer(() => Response.json(body), async (socket) => {
      const { backendState, peers } = await readLocalStatus(socket);
      assertEquals([backendState, peers], [...expected]);
    });
  }
});

Deno.test("readLocalStatus: asks by the name that tailscaled wants, and looks no name up", async () => {
  const answer = ({ url, headers }: Request) =>
    Response.json({ BackendState: `${headers.get("host")} ${new URL(url).pathname}` });
  await withAnswer(answer, async (socket) => {
    const { backendState } = await readLocalStatus(socket);
    assertEquals(backendState, "local-tailscaled.sock /localapi/v0/status");
  });
});

Deno.test("readLocalStatus: no socket, a refusal, or nonsense is an error that names the socket", async () => {
  await assertRejects(() => readLocalStatus("/nonexistent/x"), ClientError, "/nonexistent/x");
  for (const answer of [() => new Response("no", { status: 403 }), () => new Response("{}")]) {
    await withAnswer(answer, async (socket) => {
      await assertRejects(() => readLocalStatus(socket), ClientError, socket);
    });
  }
});
