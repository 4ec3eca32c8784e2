/** What the daemon says of itself and of its node. */
import type { LoopStatus } from "./loop.ts";

/** A loop that has not turned for so many intervals does not turn any more. */
const STUCK_INTERVALS = 4;
/** A turn may take that long whatever the interval is, in milliseconds. */
const PATIENCE_MS = 120_000;

/** A part of the daemon, as `/health` tells of it. */
export interface ServiceHealth {
  readonly name: string;
  readonly running: boolean;
  /** RFC 3339. */
  readonly start_time: string;
  /** Empty when there is none. */
  readonly error: string;
}

/** `/health`: the shape that monitors of the older system read. */
export interface HealthReport {
  readonly status: "healthy" | "unhealthy";
  /** RFC 3339. */
  readonly timestamp: string;
  readonly services: Readonly<Record<string, ServiceHealth>>;
  /** A Go duration. */
  readonly uptime: string;
  /** Why the node is not ready; none when it is. */
  readonly reasons: readonly string[];
}

/**
 * Loops that turn no more, with what is known of them: only these make the daemon dead.
 * @param clockMs of `performance.now`: the wall clock of a node without a battery jumps by years.
 */
export function findStuck(loops: readonly LoopStatus[], clockMs: number): string[] {
  return loops.flatMap(({ name, intervalMs, aliveMs }) => {
    const ageMs = clockMs - aliveMs;
    if (ageMs <= Math.max(intervalMs * STUCK_INTERVALS, PATIENCE_MS)) return [];
    return [`loop "${name}" has not turned for ${Math.round(ageMs / 1000)} s`];
  });
}

/**
 * The report of a node.
 * @param reasons why the node is not ready.
 * @param times now, by the wall clock and by `performance.now`.
 */
export function reportHealth(
  loops: readonly LoopStatus[],
  reasons: readonly string[],
  { nowMs, clockMs }: { readonly nowMs: number; readonly clockMs: number },
): HealthReport {
  const stuck = findStuck(loops, clockMs);
  const isWell = stuck.length === 0 && reasons.length === 0;
  return {
    status: isWell ? "healthy" : "unhealthy",
    timestamp: new Date(nowMs).toISOString(),
    services: Object.fromEntries(loops.map((loop) => [loop.name, serviceHealth(loop, clockMs)])),
    uptime: formatUptime(clockMs),
    reasons: [...stuck, ...reasons],
  };
}

function serviceHealth(loop: LoopStatus, clockMs: number): ServiceHealth {
  const { name, startedMs, error = "" } = loop;
  return {
    name,
    running: findStuck([loop], clockMs).length === 0,
    start_time: new Date(startedMs).toISOString(),
    error,
  };
}

/** As Go's `Duration.String` writes whole seconds, such as `1h2m3s`. */
function formatUptime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}
