/** Which of the routes that tailscaled advertises are ours: only those are ever taken back. */
import { distinctPrefixes, type Prefix } from "../net/prefix.ts";
import { hasRoute } from "./own_routes.ts";

/** What is to be remembered around a change. */
export interface Remembered {
  /** Before tailscaled is told: whatever comes of it, all that may be ours. */
  readonly before: readonly Prefix[];
  /** Once it was told. */
  readonly after: readonly Prefix[];
}

/**
 * A route that was advertised before us is somebody else's, and stays so.
 * @param ours what was remembered so far.
 * @param have what tailscaled advertises.
 * @param next what it is told to advertise.
 */
export function rememberRoutes(
  ours: readonly Prefix[],
  have: readonly Prefix[],
  next: readonly Prefix[],
): Remembered {
  const added = next.filter((route) => !hasRoute(have, route));
  const before = distinctPrefixes([...ours, ...added]);
  return { before, after: before.filter((route) => hasRoute(next, route)) };
}
