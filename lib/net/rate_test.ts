import { assertEquals } from "@std/assert";
import { queueLimitBytes } from "./rate.ts";

Deno.test("queueLimitBytes: what comes in 25 ms and the burst, as far as 32 bits go", () => {
  const cases = [
    [125_000, 20_000, 23_125],
    [1, 1, 1],
    [5e9, 536_870_911, 661_870_911],
    [125e12, 536_870_911, 4_294_967_295],
    [1, 4_294_967_295, 4_294_967_295],
  ] as const;
  for (const [bytesPerSecond, burstBytes, limitBytes] of cases) {
    assertEquals(queueLimitBytes({ bytesPerSecond, burstBytes }), limitBytes);
  }
});
