import { assertEquals } from "@std/assert";
import { findStuck, reportHealth } from "./health.ts";
import type { LoopStatus } from "./loop.ts";

const NOW_MS = 1_800_000_000_000;
/** How long the daemon has run. */
const CLOCK_MS = 3_723_000;

function loop(keys: Partial<LoopStatus>): LoopStatus {
  return {
    name: "CNIService",
    intervalMs: 30_000,
    startedMs: NOW_MS - 3_723_000,
    turnedMs: NOW_MS - 1000,
    turningSinceMs: undefined,
    aliveMs: CLOCK_MS - 1000,
    tookMs: undefined,
    error: undefined,
    turns: 1,
    failures: 0,
    ...keys,
  };
}

Deno.test("findStuck: a loop that has not turned for long, however it got there", () => {
  const rows: [keys: Partial<LoopStatus>, stuck: boolean][] = [
    [{}, false],
    [{ aliveMs: CLOCK_MS - 119_000 }, false],
    [{ aliveMs: CLOCK_MS - 121_000 }, true],
    [{ intervalMs: 3_600_000, aliveMs: CLOCK_MS - 3_600_000 }, false],
    // The wall clock was set.
    [{ turnedMs: 1000, startedMs: 0 }, false],
    // A turn that failed is a turn.
    [{ error: "no API server" }, false],
  ];
  for (const [keys, stuck] of rows) {
    assertEquals(findStuck([loop(keys)], CLOCK_MS).length > 0, stuck, JSON.stringify(keys));
  }
});

Deno.test("reportHealth: services, reasons and uptime as monitors read them", () => {
  const times = { nowMs: NOW_MS, clockMs: CLOCK_MS };
  const report = reportHealth([loop({ error: "no API server" })], [], times);
  assertEquals([report.status, report.uptime], ["healthy", "1h2m3s"]);
  assertEquals(report.services.CNIService, {
    name: "CNIService",
    running: true,
    start_time: "2027-01-15T06:57:57.000Z",
    error: "no API server",
  });
  assertEquals(reportHealth([loop({})], ["no PodCIDR"], times).status, "unhealthy");
  const stuck = reportHealth([loop({ aliveMs: CLOCK_MS - 121_000 })], [], times);
  assertEquals([stuck.status, stuck.reasons.length], ["unhealthy", 1]);
});
