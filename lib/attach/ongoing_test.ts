import { assertEquals, assertRejects } from "@std/assert";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { ConfigError } from "../errors.ts";
import { listAttachments } from "../store/attachments.ts";
import {
  beginAttach,
  intentIsRecorded,
  type Ongoing,
  recordIntent,
  recordOutcome,
  undoLater,
} from "./ongoing.ts";

/** Runs `fn` in an ADD that then fails, unless `fn` moves its undoing away; answers the phases recorded. */
async function phasesAfter(fn: (ongoing: Ongoing) => Promise<unknown>): Promise<string[]> {
  await using node = await TracedNode.make();
  const { context } = node;
  await using store = await node.openStore();
  await logged("error", async () => {
    using opened = new DisposableStack();
    await using undo = new AsyncDisposableStack();
    const request = makeRequest("ADD", {});
    const ongoing = beginAttach({ request, context, store, undo, opened });
    await store.write((tx) => recordIntent(tx, ongoing));
    intentIsRecorded(ongoing);
    await fn(ongoing);
  });
  return (await store.read(listAttachments)).map(({ phase }) => phase);
}

Deno.test("beginAttach: what a failed ADD did is undone, the last first, and forgotten last", async () => {
  const undone: string[] = [];
  const phases = await phasesAfter(async (ongoing) => {
    undoLater(ongoing, "undo one", () => undone.push("one"));
    undoLater(ongoing, "undo two", async () => {
      const recorded = await ongoing.store.read(listAttachments);
      undone.push(`two of ${recorded.length}`);
    });
    await Promise.resolve();
  });
  assertEquals([undone, phases], [["two of 1", "one"], []]);
});

Deno.test("undoLater: one that fails keeps no other from running, and keeps the record", async () => {
  const undone: string[] = [];
  const phases = await phasesAfter((ongoing) => {
    undoLater(ongoing, "undo one", () => undone.push("one"));
    undoLater(ongoing, "undo two", () => Promise.reject(new Error("not now")));
    return Promise.resolve();
  });
  assertEquals([undone, phases], [["one"], ["adding"]]);
});

Deno.test("recordIntent: the same ADD may record more, another one may not begin", async () => {
  const phases = await phasesAfter(async (ongoing) => {
    const { store } = ongoing;
    await store.write((tx) => recordIntent(tx, ongoing));
    const another = { ...ongoing, isRecorded: false };
    const recording = () => store.write((tx) => recordIntent(tx, another));
    assertEquals((await assertRejects(recording, ConfigError)).reason, "already-attached");
    await recordOutcome(ongoing);
    ongoing.undo.move();
  });
  assertEquals(phases, ["added"]);
});
