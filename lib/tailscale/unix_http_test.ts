import { assertEquals, assertRejects } from "@std/assert";
import { RawListener } from "../../tests/fakes/local_api.ts";
import { askUnix, HttpSyntaxError } from "./unix_http.ts";

const GET = { method: "GET", target: "/x?y=1", host: "some.sock" };

const never = new AbortController().signal;

async function textOf(listener: RawListener): Promise<[status: number, text: string]> {
  const { status, body } = await askUnix(listener.socket, GET, never);
  return [status, await new Response(body).text()];
}

Deno.test("askUnix: names no server in its request line, and says how long a body is", async () => {
  const requests = [
    GET,
    { method: "POST", target: "/x", host: "some.sock" },
    { method: "PATCH", target: "/x", host: "some.sock", body: '{"a":"\u00e4"}' },
  ];
  const wanted = [
    "GET /x?y=1 HTTP/1.1\r\nHost: some.sock\r\nConnection: close\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: some.sock\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "PATCH /x HTTP/1.1\r\nHost: some.sock\r\nConnection: close\r\nContent-Length: 10\r\n" +
    'Content-Type: application/json\r\n\r\n{"a":"\u00e4"}',
  ];
  await using listener = new RawListener("HTTP/1.1 204 No Content\r\n\r\n", false);
  for (const request of requests) {
    const { status, body } = await askUnix(listener.socket, request, never);
    assertEquals([status, await new Response(body).text()], [204, ""]);
  }
  assertEquals(listener.requests, wanted);
});

Deno.test("askUnix: a body by its length, in chunks, or until the end", async () => {
  const rows: [answer: string, status: number, text: string][] = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, "abc"],
    ["HTTP/1.0 403 \r\n\r\nno\n", 403, "no\n"],
    ["HTTP/1.1 200\r\n\r\n", 200, ""],
    ["HTTP/1.1 200 OK\ncontent-length:0\n\n", 200, ""],
    [
      "HTTP/1.1 500 Oh\r\nA: b\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n" +
      "00A;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n",
      ...[500, "abc0123456789"] as const,
    ],
  ];
  for (const [answer, status, text] of rows) {
    for (const isSlow of [false, true]) {
      await using listener = new RawListener(answer, false, isSlow);
      assertEquals(await textOf(listener), [status, text], answer);
    }
  }
});

Deno.test("askUnix: an answer that breaks off is an error", async () => {
  const rows = [
    "",
    "HTTP/1.1 200 O",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
  ];
  for (const answer of rows) {
    await using listener = new RawListener(answer, false);
    await assertRejects(() => textOf(listener), Deno.errors.UnexpectedEof, "in the middle", answer);
  }
});

Deno.test("askUnix: what is no HTTP is told", async () => {
  const rows = [
    ["220 mail ready\r\n", "no status line"],
    ["HTTP/2 200\r\n", "no status line"],
    ["HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "no length"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n", "no length"],
    ["x".repeat(100_000), "no end"],
    ["HTTP/1.1 200 OK\r\n" + "a: b\r\n".repeat(20) + "x".repeat(100_000), "no end"],
  ] as const;
  for (const [answer, text] of rows) {
    await using listener = new RawListener(answer, false);
    await assertRejects(() => textOf(listener), HttpSyntaxError, text);
  }
});

Deno.test("askUnix: its signal ends it before, in the head and in the body", async () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na";
  await using silent = new RawListener("", true);
  await using half = new RawListener(head, true);
  const reason = new Error("enough");
  await assertRejects(
    () => askUnix(silent.socket, GET, AbortSignal.abort(reason)),
    Error,
    "enough",
  );
  const waiting = new AbortController();
  const asked = askUnix(silent.socket, GET, waiting.signal);
  await silent.asked;
  waiting.abort(reason);
  await assertRejects(() => asked, Error, "enough");
  const reading = new AbortController();
  const { body } = await askUnix(half.socket, GET, reading.signal);
  const reader = body.getReader();
  assertEquals((await reader.read()).value, new TextEncoder().encode("a"));
  const next = reader.read();
  reading.abort(reason);
  await assertRejects(() => next, Error, "enough");
});
