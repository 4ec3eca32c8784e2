/** Milliseconds since boot, sleep included: the first number of /proc/uptime, proc_uptime(5). */
export function readUptimeMs(): number {
  const [seconds = ""] = Deno.readTextFileSync("/proc/uptime").split(" ");
  return Math.round(Number(seconds) * 1_000);
}
