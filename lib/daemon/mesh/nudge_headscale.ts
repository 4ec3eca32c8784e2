/**
 * Has Headscale tell this node which routes it serves. 0.29 tells all others of a route that was approved,
 * but this node only when something else of it changes (hscontrol/state/state.go, `SetApprovedRoutes`);
 * 0.25 asks its policy only when the routes of a node change.
 */
import { log } from "../../log.ts";
import { hasRoute, NUDGE_ROUTE } from "../../mesh/own_routes.ts";
import type { TailnetPrefs, TailnetStatus } from "../../mesh/tailnet.ts";
import { formatPrefix, type Prefix } from "../../net/prefix.ts";
import type { LocalApi } from "../../tailscale/local_api.ts";

/** How long a route may take by itself, and the longest time between two tries, in milliseconds. */
const FIRST_DELAY_MS = 8_000;
const MAX_DELAY_MS = 600_000;

/** Tries it, with more and more time between: what nobody approved is not served by asking. */
export class HeadscaleNudge {
  #delayMs = FIRST_DELAY_MS;
  #notBeforeMs: number | undefined;

  /** True while a route of ours waits. */
  get isWaiting(): boolean {
    return this.#notBeforeMs !== undefined;
  }

  /**
   * Looks at routes of ours, and advertises one more where any of them waits for too long. The next turn
   * withdraws it, for it is not wanted; nothing that is served is ever touched.
   * @param clockMs of `performance.now`.
   */
  async attempt(
    api: Pick<LocalApi, "editPrefs">,
    { status, prefs }: {
      readonly status: TailnetStatus | undefined;
      readonly prefs: TailnetPrefs | undefined;
    },
    ours: readonly Prefix[],
    clockMs: number,
  ): Promise<void> {
    const { self, backendState } = status ?? {};
    const waiting = ours.filter((route) =>
      prefs !== undefined && hasRoute(prefs.advertiseRoutes, route) &&
      !hasRoute([...self?.allowedIps ?? [], ...self?.primaryRoutes ?? []], route)
    );
    if (!prefs || backendState !== "Running" || waiting.length === 0) {
      this.#delayMs = FIRST_DELAY_MS;
      this.#notBeforeMs = undefined;
      return;
    }
    this.#notBeforeMs ??= clockMs + this.#delayMs;
    if (clockMs < this.#notBeforeMs) return;
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
    this.#notBeforeMs = clockMs + this.#delayMs;
    log.debug("Nudge Headscale for what is not served", { routes: waiting.map(formatPrefix) });
    await api.editPrefs({ advertiseRoutes: [...prefs.advertiseRoutes, NUDGE_ROUTE] });
  }
}
