/** Until when the key of a node of the tailnet is good. */
import type { TailnetNode } from "./tailnet.ts";

/** When the key expires, in milliseconds since 1970; undefined when it does not. */
export function keyExpiryMs(node: TailnetNode | undefined): number | undefined {
  const time = Date.parse(node?.keyExpiry ?? "");
  // Go programs write their zero time, of the year 1, for none.
  return time > 0 ? time : undefined;
}

/** True when the key is good no more, by what tailscaled says or by the clock. */
export function hasExpiredKey(node: TailnetNode | undefined, nowMs: number): boolean {
  return node?.isExpired === true || (keyExpiryMs(node) ?? Infinity) <= nowMs;
}
