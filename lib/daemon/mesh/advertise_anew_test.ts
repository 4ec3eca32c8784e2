import { assertEquals } from "@std/assert";
import { meshReport } from "../../../tests/fakes/mesh_report.ts";
import type { PrefsChange, TailnetPrefs } from "../../mesh/tailnet.ts";
import { formatPrefix, parsePrefix } from "../../net/prefix.ts";
import { AdvertiseAnew } from "./advertise_anew.ts";

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

Deno.test("AdvertiseAnew: a route that waits is advertised anew, and no other", async () => {
  const { told, api, sight } = stage();
  const anew = new AdvertiseAnew();
  const attempt = (clockMs: number) => anew.attempt(api, sight, [SERVED, WAITING], clockMs);
  assertEquals([await attempt(0), anew.isWaiting], [false, true]);
  assertEquals(await attempt(7_999), false);
  assertEquals(await attempt(8_000), true);
  assertEquals(told, [
    "10.244.1.0/24 192.0.2.0/24",
    "10.244.1.0/24 192.0.2.0/24 10.244.7.0/24",
  ]);
  // What nobody approved is asked for less and less often.
  assertEquals([await attempt(23_999), await attempt(24_000)], [false, true]);
});

Deno.test("AdvertiseAnew: what is served, or nobody's, is left alone", async () => {
  const { told, api, sight } = stage();
  const anew = new AdvertiseAnew();
  for (const clockMs of [0, 60_000, 900_000]) {
    assertEquals(await anew.attempt(api, sight, [SERVED], clockMs), false);
    const none = { status: undefined, prefs: undefined };
    assertEquals(await anew.attempt(api, none, [WAITING], clockMs), false);
  }
  assertEquals([told, anew.isWaiting], [[], false]);
});
