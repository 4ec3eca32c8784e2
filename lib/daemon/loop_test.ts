import { assert, assertEquals, assertMatch } from "@std/assert";
import { logged } from "../../tests/fakes/logged.ts";
import { Loop } from "./loop.ts";

/** A loop whose turns a test waits for. */
function countedLoop(intervalMs: number, turn: (count: number) => Promise<void> | void) {
  let count = 0;
  const waiting: (() => void)[] = [];
  const loop = new Loop({
    name: "test",
    intervalMs: () => intervalMs,
    async turn() {
      count++;
      try {
        await turn(count);
      } finally {
        waiting.splice(0).forEach((resolve) => resolve());
      }
    },
  });
  const next = () => new Promise<void>((resolve) => waiting.push(resolve));
  return { loop, next };
}

Deno.test("Loop: turns at once, by interval, and when woken; ends with its signal", async () => {
  const { loop, next } = countedLoop(60_000, () => {});
  const end = new AbortController();
  const first = next();
  const running = loop.run(end.signal);
  await first;
  const second = next();
  loop.wake();
  await second;
  const third = next();
  loop.wake();
  await third;
  end.abort();
  await running;
  assertEquals([loop.status.turns, loop.status.failures], [3, 0]);
});

Deno.test("Loop: a wake-up in the middle of a turn brings another", async () => {
  const { loop, next } = countedLoop(60_000, (count) => {
    if (count === 1) loop.wake();
  });
  const end = new AbortController();
  const first = next();
  const running = loop.run(end.signal);
  await first;
  await next();
  end.abort();
  await running;
  assertEquals(loop.status.turns, 2);
});

Deno.test("Loop: a turn that fails is told, and the next one comes", async () => {
  const { loop, next } = countedLoop(1, (count) => {
    if (count === 1) throw new Error("no luck");
  });
  const end = new AbortController();
  const text = await logged("warn", async () => {
    const first = next();
    const running = loop.run(end.signal);
    await first;
    await next();
    end.abort();
    await running;
  });
  assert(text.includes("no luck"), text);
  assertEquals([loop.status.failures, loop.status.error], [1, undefined]);
});

Deno.test("Loop: a failure that comes again is logged once, another one too", async () => {
  const { loop, next } = countedLoop(1, (count) => {
    throw new Error(count < 4 ? "no luck" : "worse");
  });
  const end = new AbortController();
  const text = await logged("warn", async () => {
    const first = next();
    const running = loop.run(end.signal);
    await first;
    for (let count = 2; count <= 6; count++) await next();
    end.abort();
    await running;
  });
  assertMatch(text, /^[^\n]*no luck[^\n]*\n[^\n]*worse[^\n]*\n?$/);
});

Deno.test("Loop: one that fails, and wakes itself by that, does not spin", async () => {
  const end = new AbortController();
  let turns = 0;
  const loop = new Loop({
    name: "test",
    intervalMs: () => 60_000,
    settleMs: 1,
    turn() {
      turns++;
      loop.wake();
      return turns < 10 ? Promise.reject(new Error("no luck")) : Promise.resolve(end.abort());
    },
  });
  const beganMs = performance.now();
  await logged("error", () => loop.run(end.signal));
  // 2, 4, 8 and so on: timers never end before their time.
  assert(performance.now() - beganMs >= 1_000);
});

Deno.test("Loop: one whose work others undo again and again has pauses; the first comes at once", async () => {
  const end = new AbortController();
  const pauses: number[] = [];
  let nowMs = 0;
  const loop = new Loop({
    name: "test",
    intervalMs: () => 60_000,
    settleMs: 200,
    clock: {
      nowMs: () => nowMs,
      wait(milliseconds) {
        pauses.push(milliseconds);
        nowMs += milliseconds;
        return Promise.resolve();
      },
    },
    turn() {
      if (pauses.length === 40) nowMs += 1e6; // somebody gives up
      if (pauses.length < 50) loop.wake();
      else end.abort();
      return Promise.resolve();
    },
  });
  await loop.run(end.signal);
  const all = [...Array(31).fill(200), 3_800, ...Array(8).fill(5_000), ...Array(10).fill(200)];
  assertEquals(pauses, all);
});
