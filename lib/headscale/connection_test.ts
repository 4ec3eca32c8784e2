import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as v from "valibot";
import { FakeHeadscale, gateway, problem } from "../../tests/fakes/headscale_server.ts";
import { ConfigError } from "../errors.ts";
import { type HeadscaleAccess, HeadscaleConnection, pauseMs } from "./connection.ts";
import { HeadscaleError } from "./headscale_error.ts";

const GET = { method: "GET", path: "/api/v1/user?name=x", isRepeatable: true } as const;
const ANY = v.looseObject({});

/** Runs with a server and a connection to it; pauses are as short as can be. */
async function withServer(
  test: (server: FakeHeadscale, connection: HeadscaleConnection) => Promise<void>,
  access: Partial<HeadscaleAccess> = {},
): Promise<void> {
  await using server = new FakeHeadscale("0.29");
  using connection = new HeadscaleConnection({
    url: server.url,
    apiKey: () => server.apiKey,
    timeoutMs: 20_000,
    retries: 2,
    firstPauseMs: 1,
    ...access,
  });
  await test(server, connection);
}

/** The error that a request ends with. */
function failure(connection: HeadscaleConnection, schema: v.GenericSchema = ANY) {
  return assertRejects(() => connection.ask(GET, schema), HeadscaleError);
}

/** Everything that anybody could print of an error. */
function wholeText(error: unknown): string {
  const causes: unknown[] = [];
  for (let one = error; one instanceof Error; one = one.cause) causes.push(one.stack, String(one));
  return causes.join("\n");
}

Deno.test("HeadscaleConnection: what passes is asked again, as often as is set", async () => {
  for (const status of [429, 500, 502, 503, 504]) {
    await withServer(async (server, connection) => {
      const refuse = () => gateway(status, 14, "try later");
      server.next.push(refuse, refuse);
      assertEquals(await connection.ask(GET, ANY), { users: server.users });
      assertEquals(server.takeSeen().length, 3);
      server.next.push(refuse, refuse, refuse);
      const error = await failure(connection);
      assertEquals([error.status, error.mayPass], [status, true]);
      assertEquals(server.takeSeen().length, 3);
    });
  }
});

Deno.test("HeadscaleConnection: what does not pass is asked once", async () => {
  for (const status of [400, 401, 403, 404, 405, 409, 501]) {
    await withServer(async (server, connection) => {
      server.next.push(() => gateway(status, 3, "no"));
      const error = await failure(connection);
      assertEquals([error.status, error.mayPass], [status, false]);
      assertEquals(server.takeSeen().length, 1);
    });
  }
});

Deno.test("HeadscaleConnection: a request that is not to be repeated is not", async () => {
  await withServer(async (server, connection) => {
    server.next.push(() => gateway(503, 14, "try later"));
    const ask = () => connection.ask({ ...GET, isRepeatable: false }, ANY);
    await assertRejects(ask, HeadscaleError, "503 Service Unavailable: try later");
    assertEquals(server.takeSeen().length, 1);
  });
});

Deno.test("HeadscaleConnection: the text names server, request and both kinds of errors", async () => {
  await withServer(async (server, connection) => {
    const texts: string[] = [];
    for (
      const refuse of [
        () => gateway(400, 3, "record\nis bad"),
        () => problem(400, "Bad Request", "parsing route", "no prefix"),
      ]
    ) {
      server.next.push(refuse);
      texts.push((await failure(connection)).message);
    }
    const start = `Cannot ask Headscale at "${server.url}" for "GET /api/v1/user": 400 Bad Request`;
    assertEquals(texts, [`${start}: record is bad`, `${start}: parsing route: no prefix`]);
  });
});

Deno.test("HeadscaleConnection: nobody who listens is told, after all repetitions", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  let asked = 0;
  await withServer(async (_, connection) => {
    const error = await failure(connection);
    assertEquals([error.status, error.mayPass, asked], [0, true, 3]);
    assertEquals(/Connection refused/.test(error.message), true, error.message);
  }, { url, apiKey: () => `key-${++asked}` });
});

Deno.test("HeadscaleConnection: an answer that breaks off is none", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  const serving = (async () => {
    using peer = await listener.accept();
    await peer.read(new Uint8Array(4_096));
    await peer.write(new TextEncoder().encode('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"us'));
  })();
  await withServer(async (_, connection) => {
    const error = await failure(connection);
    assertEquals([error.status, error.mayPass], [0, true], error.message);
  }, { url, retries: 0 });
  await serving;
  listener.close();
});

Deno.test("HeadscaleConnection: no answer in time is told with that time", async () => {
  const silence = Promise.withResolvers<Response>();
  await withServer(async (server, connection) => {
    server.next.push(() => silence.promise);
    const error = await failure(connection);
    assertEquals([error.status, error.mayPass], [0, true]);
    assertEquals(error.message.endsWith("no answer in 50 ms; see headscale.url and its log"), true);
    silence.resolve(new Response());
  }, { timeoutMs: 50, retries: 0 });
});

Deno.test("HeadscaleConnection: closing it ends what is under way, and the pauses", async () => {
  const silence = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  await withServer(async (server, connection) => {
    server.next.push(() => {
      asked.resolve();
      return silence.promise;
    });
    const failing = failure(connection);
    await asked.promise;
    connection[Symbol.dispose]();
    assertEquals((await failing).message.endsWith("the client is closed"), true);
    silence.resolve(new Response());
    await assertRejects(() => connection.ask(GET, ANY), HeadscaleError, "the client is closed");
  });
  await withServer(async (server, connection) => {
    const answered = Promise.withResolvers<void>();
    server.next.push(() => {
      answered.resolve();
      return gateway(503, 14, "try later");
    });
    const failing = failure(connection);
    await answered.promise;
    connection[Symbol.dispose]();
    await failing; // and not for an hour
  }, { firstPauseMs: 3_600_000 });
});

Deno.test("HeadscaleConnection: a redirect is refused, and the key does not go there", async () => {
  await using other = new FakeHeadscale("0.29");
  await withServer(async (server, connection) => {
    const headers = { location: `${other.url}/login?x=1` };
    server.next.push(() => new Response(null, { status: 302, headers }));
    const error = await failure(connection);
    assertEquals(error.status, 302);
    assertEquals(error.message.includes(`302: it redirects to "${other.url}", where`), true);
    assertEquals(other.seen, []);
  });
});

Deno.test("HeadscaleConnection: what is not Headscale's API is told as such", async () => {
  const html = { headers: { "content-type": "text/html" } };
  for (
    const [answer, status, text] of [
      [() => new Response("<html>Welcome", html), 200, "its answer is no JSON (text/html)"],
      [() => new Response(""), 200, "its answer is no JSON (text/plain;charset=UTF-8)"],
      [() => Response.json({ data: [] }), 200, 'its answer makes no sense: users: "users" wanted'],
      [() => Response.json([]), 200, "its answer makes no sense"],
      [() => new Response("<html>", { status: 404, ...html }), 404, "404 Not Found; that is not"],
      [() => new Response("nope", { status: 404 }), 404, "404 Not Found: nope; that is not"],
      [() => new Response("<html>", { status: 403 }), 403, "see the proxy before it"],
      [() => new Response("bad gateway", { status: 502 }), 502, "does not reach it"],
    ] satisfies [() => Response, number, string][]
  ) {
    await withServer(async (server, connection) => {
      server.next.push(answer);
      const error = await failure(connection, v.object({ users: v.array(v.any()) }));
      assertEquals([error.status, error.message.includes(text)], [status, true], error.message);
    }, { retries: 0 });
  }
});

Deno.test("HeadscaleConnection: an answer without end is not read to it", async () => {
  await withServer(async (server, connection) => {
    const megabyte = new Uint8Array(1024 * 1024).fill(0x20);
    const body = new ReadableStream({ pull: (control) => control.enqueue(megabyte) });
    server.next.push(() => new Response(body));
    const error = await failure(connection);
    assertEquals(error.message.endsWith("its answer has more than 33554432 bytes"), true);
  });
});

Deno.test("HeadscaleConnection: no error shows a key, however it is echoed", async () => {
  const key = "zAZv2mZ.8pHx-jGavBXtEmTbQzAfW15e";
  const echoes = [
    () => gateway(400, 3, `bad header Bearer ${key}`),
    () => problem(400, "Bad", `key ${key}`, `it was ${key}`),
    () => new Response(`you sent ${key}`, { status: 403 }),
    () => new Response(null, { status: 302, headers: { location: `https://${key}.example/` } }),
    () => new Response(`${key} is no JSON`),
    () => Response.json({ users: `hskey-auth-abc-${key}` }),
  ];
  for (const echo of echoes) {
    await withServer(async (server, connection) => {
      server.next.push(echo);
      const error = await failure(connection, v.object({ users: v.array(v.any()) }));
      const text = wholeText(error).toLowerCase();
      assertEquals(text.includes(key.toLowerCase()), false, text);
      assertEquals(text.includes("hskey-auth-abc"), false, text);
    }, { apiKey: () => key });
  }
});

Deno.test("HeadscaleConnection: a key that no header can hold is refused unseen", async () => {
  for (const key of ["two\nlines", "schl\u00fcssel", "a b", ""]) {
    await withServer(async (server, connection) => {
      const error = await failure(connection);
      assertEquals(error.message.endsWith("has characters that no API key has"), true);
      assertEquals(key !== "" && wholeText(error).includes(key), false);
      assertEquals(server.seen, []);
    }, { apiKey: () => key });
  }
});

Deno.test("HeadscaleConnection: a key that cannot be read is told by whoever reads it", async () => {
  await withServer(async (_, connection) => {
    const ask = () => connection.ask(GET, ANY);
    await assertRejects(ask, ConfigError, "gone");
  }, {
    apiKey: () => {
      throw new ConfigError("io-failure", "gone");
    },
  });
});

Deno.test("HeadscaleConnection: the path of the address stays", async () => {
  await withServer(async (server, _) => {
    const access = { apiKey: () => "k", timeoutMs: 20_000, retries: 0 };
    using below = new HeadscaleConnection({ ...access, url: `${server.url}/headscale/?x#y` });
    assertEquals(below.url, `${server.url}/headscale`);
    server.next.push(() => Response.json({}));
    await below.ask(GET, ANY);
    assertEquals(server.takeSeen(), ["GET /headscale/api/v1/user?name=x"]);
  });
});

Deno.test("HeadscaleConnection: certificates and addresses that are none are refused", () => {
  const access = { apiKey: () => "k", timeoutMs: 1, retries: 0 };
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  for (const caPem of ["", "junk", broken]) {
    const open = () => new HeadscaleConnection({ ...access, url: "https://h", caPem });
    assertThrows(open, ConfigError, "Cannot use the certificates of headscale.caFile");
  }
  for (const url of ["", "h", "ftp://h"]) {
    assertThrows(() => new HeadscaleConnection({ ...access, url }), ConfigError, "headscale.url");
  }
});

Deno.test("pauseMs: doubles up to a bound, half of it at random", () => {
  assertEquals([1, 2, 3, 9].map((sent) => pauseMs(sent, 500, 1)), [500, 1_000, 2_000, 10_000]);
  assertEquals([1, 2, 3, 9].map((sent) => pauseMs(sent, 500, 0)), [250, 500, 1_000, 5_000]);
});
