/**
 * Routes that are advertised and not served, advertised anew: Headscale 0.29 does not tell a node that a
 * person approved its routes, and 0.25 asks its policy only when the routes of a node change.
 */
import { log } from "../../log.ts";
import type { TailnetPrefs, TailnetStatus } from "../../mesh/tailnet.ts";
import { formatPrefix, type Prefix } from "../../net/prefix.ts";
import type { LocalApi } from "../../tailscale/local_api.ts";
import { hasRoute } from "../../mesh/own_routes.ts";

/** How long a route may take by itself, and the longest time between two tries, in milliseconds. */
const FIRST_DELAY_MS = 8_000;
const MAX_DELAY_MS = 600_000;

/** Tries it, with more and more time between: what nobody approved is not served by asking. */
export class AdvertiseAnew {
  #delayMs = FIRST_DELAY_MS;
  #notBeforeMs: number | undefined;

  /** True while a route of ours waits. */
  get isWaiting(): boolean {
    return this.#notBeforeMs !== undefined;
  }

  /**
   * Looks at routes of ours, and advertises anew those that wait for too long. Routes that are served,
   * and those of others, are left alone.
   * @param clockMs of `performance.now`.
   * @returns whether anything was done.
   */
  async attempt(
    api: Pick<LocalApi, "editPrefs">,
    { status, prefs }: {
      readonly status: TailnetStatus | undefined;
      readonly prefs: TailnetPrefs | undefined;
    },
    ours: readonly Prefix[],
    clockMs: number,
  ): Promise<boolean> {
    const { self, backendState } = status ?? {};
    const waiting = ours.filter((route) =>
      prefs !== undefined && hasRoute(prefs.advertiseRoutes, route) &&
      !hasRoute([...self?.allowedIps ?? [], ...self?.primaryRoutes ?? []], route)
    );
    if (!prefs || backendState !== "Running" || waiting.length === 0) {
      this.#delayMs = FIRST_DELAY_MS;
      this.#notBeforeMs = undefined;
      return false;
    }
    this.#notBeforeMs ??= clockMs + this.#delayMs;
    if (clockMs < this.#notBeforeMs) return false;
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
    this.#notBeforeMs = clockMs + this.#delayMs;
    log.debug("Advertise anew what is not served", { routes: waiting.map(formatPrefix) });
    const { advertiseRoutes } = prefs;
    // Ended in between, the next turn advertises them: nothing is lost.
    const others = advertiseRoutes.filter((route) => !hasRoute(waiting, route));
    await api.editPrefs({ advertiseRoutes: others });
    await api.editPrefs({ advertiseRoutes });
    return true;
  }
}
