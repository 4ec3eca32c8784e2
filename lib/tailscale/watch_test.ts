import { assertEquals, assertRejects } from "@std/assert";
import { FakeLocalApi, RawListener } from "../../tests/fakes/local_api.ts";
import { LocalApi } from "./local_api.ts";
import { TailscaleError } from "./tailscale_error.ts";

/** A bus on which the test says what comes. */
function makeBus() {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  return {
    answer: () => new Response(readable),
    say: (text: string) => writer.write(new TextEncoder().encode(text)),
    end: () => writer.close(),
  };
}

Deno.test("LocalApi.watch: each line is a trigger, half of one is none", async () => {
  const bus = makeBus();
  await using fake = await FakeLocalApi.start(bus.answer);
  using api = new LocalApi(fake.socket);
  const triggers = api.watch(new AbortController().signal);
  const first = triggers.next();
  await bus.say('{"Sta');
  await bus.say('te":4}\n');
  assertEquals(await first, { value: undefined, done: false });
  const second = triggers.next();
  await bus.say('{"NetMap":null}\n');
  assertEquals((await second).done, false);
  const last = triggers.next();
  await bus.end();
  assertEquals((await last).done, true);
  // NotifyInitialState and NotifyPeerChanges.
  assertEquals(fake.asked.map(({ path }) => path), ["watch-ipn-bus?mask=4098"]);
});

Deno.test("LocalApi.watch: ends by its signal, also before it began", async () => {
  const bus = makeBus();
  await using fake = await FakeLocalApi.start(bus.answer);
  using api = new LocalApi(fake.socket);
  const controller = new AbortController();
  const triggers = api.watch(controller.signal);
  const first = triggers.next();
  await bus.say("{}\n");
  await first;
  const second = triggers.next();
  controller.abort();
  assertEquals((await second).done, true);
  assertEquals((await api.watch(controller.signal).next()).done, true);
});

Deno.test("LocalApi.watch: who reads no further lets go of it", async () => {
  const bus = makeBus();
  await using fake = await FakeLocalApi.start(bus.answer);
  using api = new LocalApi(fake.socket);
  const triggers = api.watch(new AbortController().signal);
  const first = triggers.next();
  await bus.say("{}\n");
  await first;
  await triggers.return(undefined);
});

Deno.test("LocalApi.watch: a tailscaled that is gone, slow or refuses is an error", async () => {
  const failing = async (socket: string) => {
    using api = new LocalApi(socket, { ms: 300 });
    const error = await assertRejects(
      () => api.watch(new AbortController().signal).next(),
      TailscaleError,
    );
    return error.kind;
  };
  assertEquals(await failing("/nonexistent/x"), "no-socket");
  await using silent = new RawListener("", true);
  assertEquals(await failing(silent.socket), "no-answer");
  const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  await using broken = new RawListener(`${head}3\r\n{"a`, false);
  assertEquals(await failing(broken.socket), "no-answer");
  await using refusing = await FakeLocalApi.start(() => new Response("denied", { status: 403 }));
  assertEquals(await failing(refusing.socket), "permission");
});
