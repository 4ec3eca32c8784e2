import { assertEquals } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { parseAddress } from "../net/address.ts";
import { type Cursor, listCursors, parseCursor, restoreCursor, stageCursor } from "./cursors.ts";
import { cursorKey } from "./keys.ts";

const CURSOR: Cursor = {
  ...{ network: "pods", pool: "default", rangeSet: 1, address: parseAddress("fd00::7") },
};

Deno.test("listCursors: all that can be read", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => {
    stageCursor(tx, CURSOR);
    tx.set(cursorKey("pods", "default", 0), "no address");
  });
  assertEquals(await store.read(listCursors), [CURSOR]);
});

Deno.test("restoreCursor: leaves one that is there as it is", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const old = { ...CURSOR, address: parseAddress("fd00::3") };
  await store.write((tx) => restoreCursor(tx, CURSOR));
  await store.write((tx) => restoreCursor(tx, old));
  assertEquals(await store.read(listCursors), [CURSOR]);
});

Deno.test("parseCursor: what cannot be read is none", () => {
  for (const value of [undefined, "10.0.0.1", new Uint8Array(3)]) {
    assertEquals(parseCursor(value), undefined);
  }
});
