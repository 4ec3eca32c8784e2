import { assertEquals } from "@std/assert";
import { wait } from "./wait.ts";

Deno.test("wait: ends with the time, or with the signal, and leaves no listener", async () => {
  const end = new AbortController();
  let listeners = 0;
  const count = (change: number, act: (...args: never[]) => void) => (...args: never[]) => {
    listeners += change;
    act.apply(end.signal, args);
  };
  const signal = Object.assign(end.signal, {
    addEventListener: count(1, end.signal.addEventListener),
    removeEventListener: count(-1, end.signal.removeEventListener),
  });
  await wait(1, signal);
  assertEquals(listeners, 0);
  const long = wait(1_000_000, signal);
  assertEquals(listeners, 1);
  end.abort();
  await long;
  assertEquals(listeners, 0);
  await wait(1_000_000, signal);
});
