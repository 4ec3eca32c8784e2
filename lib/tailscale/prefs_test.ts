import { assertEquals, assertThrows } from "@std/assert";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { maskedPrefs, parsePrefs, wholePrefs } from "./prefs.ts";

Deno.test("parsePrefs: null lists and absent fields are what tailscaled does by itself", () => {
  const prefs = parsePrefs({ WantRunning: true, AdvertiseRoutes: null });
  assertEquals(prefs, {
    controlUrl: "",
    routeAll: false,
    advertiseRoutes: [],
    noSnat: false,
    noStatefulFiltering: true,
    netfilterMode: 2,
    corpDns: false,
    wantRunning: true,
    loggedOut: false,
    hostname: "",
    shieldsUp: false,
    exitNode: "",
  });
});

Deno.test("parsePrefs: filtering, and the exit node however it is named", () => {
  const rows = [
    [{ ExitNodeID: "n1", ExitNodeIP: "" }, "n1"],
    [{ ExitNodeID: "", ExitNodeIP: "100.64.0.9" }, "100.64.0.9"],
    [{ AutoExitNode: "any" }, "any"],
  ] as const;
  for (const [fields, exitNode] of rows) {
    assertEquals(parsePrefs({ WantRunning: false, ...fields }).exitNode, exitNode);
  }
  const filtering = (NoStatefulFiltering: unknown) =>
    parsePrefs({ WantRunning: false, NoStatefulFiltering }).noStatefulFiltering;
  assertEquals([filtering(true), filtering(false), filtering(null)], [true, false, true]);
});

Deno.test("parsePrefs: routes of both families", () => {
  const AdvertiseRoutes = ["10.244.0.0/24", "fd00:0:0::/64", "0.0.0.0/0"];
  const { advertiseRoutes } = parsePrefs({ WantRunning: false, AdvertiseRoutes });
  assertEquals(advertiseRoutes.map(formatPrefix), ["10.244.0.0/24", "fd00::/64", "0.0.0.0/0"]);
});

Deno.test("parsePrefs: what is no preferences is refused", () => {
  for (const value of [{}, null, { WantRunning: "yes" }]) {
    assertThrows(() => parsePrefs(value), Error, "the preferences of tailscaled");
  }
});

const CHANGE = {
  ...{ controlUrl: "u", routeAll: true, noSnat: true },
  ...{ noStatefulFiltering: true, corpDns: false, wantRunning: true, loggedOut: false },
  ...{ hostname: "h", advertiseRoutes: [parsePrefix("10.0.0.0/8")] },
};

const FIELDS = {
  ...{ ControlURL: "u", RouteAll: true, NoSNAT: true },
  ...{ NoStatefulFiltering: true, CorpDNS: false, WantRunning: true, LoggedOut: false },
  ...{ Hostname: "h", AdvertiseRoutes: ["10.0.0.0/8"] },
};

Deno.test("maskedPrefs: every field, and only what is to change", () => {
  const masks = Object.keys(FIELDS).map((field) => [`${field}Set`, true]);
  assertEquals(maskedPrefs(CHANGE), { ...FIELDS, ...Object.fromEntries(masks) });
  assertEquals(maskedPrefs({}), {});
  assertEquals(maskedPrefs({ advertiseRoutes: [] }), {
    AdvertiseRoutes: [],
    AdvertiseRoutesSet: true,
  });
});

Deno.test("wholePrefs: keeps what does not change", () => {
  const current = { ControlURL: "old", Config: null, DriveShares: [], RouteAll: false };
  assertEquals(wholePrefs(current, { routeAll: true }), { ...current, RouteAll: true });
  assertEquals(wholePrefs(current, CHANGE), { ...current, ...FIELDS });
});
