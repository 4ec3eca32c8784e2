import { assertEquals } from "@std/assert";
import { meshReport } from "../../../tests/fakes/mesh_report.ts";
import type { PrefsChange, TailnetPrefs } from "../../mesh/tailnet.ts";
import { formatPrefix, parsePrefix } from "../../net/prefix.ts";
import { HeadscaleNudge } from "./nudge_headscale.ts";

const { status, prefs } = meshReport().sight;
const SERVED = parsePrefix("10.244.1.0/24");
const WAITING = parsePrefix("10.244.7.0/24");
const THEIRS = parsePrefix("192.0.2.0/24");

/** A tailscaled that advertises one route of each kind, and what it was told. */
function stage() {
  const told: string[] = [];
  const api = {
    editPrefs({ advertiseRoutes = [] }: PrefsChange): Promise<TailnetPrefs> {
      told.push(advertiseRoutes.map(formatPrefix).join(" "));
      return prefs ? Promise.resolve(prefs) : Promise.reject(new Error("no preferences"));
    },
  };
  const routes = [SERVED, THEIRS, WAITING];
  const sight = { status, prefs: prefs && { ...prefs, advertiseRoutes: routes } };
  return { told, api, sight };
}

Deno.test("HeadscaleNudge: for a route that waits, and without touching any", async () => {
  const { told, api, sight } = stage();
  const nudge = new HeadscaleNudge();
  const attempt = async (clockMs: number) => {
    await nudge.attempt(api, sight, [SERVED, WAITING], clockMs);
    return told.length;
  };
  assertEquals([await attempt(0), nudge.isWaiting], [0, true]);
  assertEquals([await attempt(7_999), await attempt(8_000)], [0, 1]);
  assertEquals(told, ["10.244.1.0/24 192.0.2.0/24 10.244.7.0/24 203.0.113.255/32"]);
  // What nobody approved is asked for less and less often.
  assertEquals([await attempt(23_999), await attempt(24_000)], [1, 2]);
});

Deno.test("HeadscaleNudge: what is served, or nobody's, is no reason", async () => {
  const { told, api, sight } = stage();
  const nudge = new HeadscaleNudge();
  for (const clockMs of [0, 60_000, 900_000]) {
    await nudge.attempt(api, sight, [SERVED], clockMs);
    await nudge.attempt(api, { status: undefined, prefs: undefined }, [WAITING], clockMs);
  }
  assertEquals([told, nudge.isWaiting], [[], false]);
});
