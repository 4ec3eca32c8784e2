import type { Breakage } from "./breakages.ts";

/** Those of what the daemon does about the tailnet. */
export const DAEMON_MESH_BREAKAGES: readonly Breakage[] = [
  // A daemon that ends at the wrong moment leaves routes that nobody ever withdraws.
  {
    file: "lib/daemon/mesh/keep_prefs.ts",
    text: "advertised: ours.before",
    replacement: "advertised: memory.advertised",
    testFile: "lib/daemon/mesh/keep_prefs_test.ts",
    test: "keepPrefs: a tailscaled that refuses leaves the routes remembered as ours",
  },
  // Routes of the user become ours, and go with the next network of pods.
  {
    file: "lib/mesh/remember_routes.ts",
    text: "next.filter((route) => !hasRoute(have, route))",
    replacement: "next.slice()",
    testFile: "lib/mesh/remember_routes_test.ts",
    test: "rememberRoutes: what is added is ours, what others advertised never becomes so",
  },
  // A node that cannot log in asks for a key at each turn.
  {
    file: "lib/daemon/mesh/join_tailnet.ts",
    text: "this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);",
    replacement: "this.#delayMs = FIRST_DELAY_MS;",
    testFile: "lib/daemon/mesh/join_tailnet_test.ts",
    test: "TailnetJoin: tries less and less often, and from the start again once it was in",
  },
  // Routes that are served are withdrawn for a moment, again and again.
  {
    file: "lib/daemon/mesh/advertise_anew.ts",
    text: "!hasRoute(waiting, route)",
    replacement: "false",
    testFile: "lib/daemon/mesh/advertise_anew_test.ts",
    test: "AdvertiseAnew: a route that waits is advertised anew, and no other",
  },
  // A node is called ready although the tailnet was never looked at.
  {
    file: "lib/daemon/report.ts",
    text: 'report.hasMesh ? ["mesh: the tailnet has not been looked at yet"] : []',
    replacement: "[]",
    testFile: "lib/daemon/report_test.ts",
    test: "readinessReasons: the tailnet was not looked at yet",
  },
];
