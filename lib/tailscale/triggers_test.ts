import { assertEquals, assertRejects } from "@std/assert";
import { triggersOf } from "./triggers.ts";

function makeBody() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  return { readable, writer, say: (text: string) => writer.write(encoder.encode(text)) };
}

Deno.test("triggersOf: what comes while nobody reads is told once, and what comes later again", async () => {
  const { readable, writer, say } = makeBody();
  const triggers = triggersOf(readable, new AbortController().signal).getReader();
  for (let i = 0; i < 20; i++) await say("{}\n");
  await say(""); // taken only when all before it was
  assertEquals((await triggers.read()).done, false);
  const next = triggers.read();
  await say("{");
  await say("}\n");
  assertEquals((await next).done, false);
  await writer.close();
  assertEquals((await triggers.read()).done, true);
});

Deno.test("triggersOf: its signal ends it, and so does the end of the body", async () => {
  const { readable, writer } = makeBody();
  const controller = new AbortController();
  const triggers = triggersOf(readable, controller.signal).getReader();
  controller.abort(new Error("enough"));
  await assertRejects(() => triggers.read(), Error, "enough");
  await assertRejects(() => writer.closed, Error, "enough");
  const broken = makeBody();
  const others = triggersOf(broken.readable, new AbortController().signal).getReader();
  await broken.writer.abort(new Error("gone"));
  await assertRejects(() => others.read(), Error, "gone");
});
