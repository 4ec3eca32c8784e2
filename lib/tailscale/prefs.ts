/** The preferences of a tailscaled, from and to the JSON of `ipn.Prefs`: tailscale, ipn/prefs.go. */
import * as v from "valibot";
import type { PrefsChange, TailnetPrefs } from "../mesh/tailnet.ts";
import { formatPrefix } from "../net/prefix.ts";
import { parseWith } from "../schema.ts";
import { wireFlag, wirePrefixes, wireText } from "./wire.ts";

const Prefs = v.object({
  ControlURL: wireText,
  RouteAll: wireFlag,
  AdvertiseRoutes: wirePrefixes,
  NoSNAT: wireFlag,
  NoStatefulFiltering: v.nullish(v.boolean()),
  NetfilterMode: v.nullish(v.number()),
  CorpDNS: wireFlag,
  WantRunning: v.boolean(),
  LoggedOut: wireFlag,
  Hostname: wireText,
  ShieldsUp: wireFlag,
  ExitNodeID: wireText,
  ExitNodeIP: wireText,
  AutoExitNode: wireText,
});

/** What it does by itself: `preftype.NetfilterOn`. */
const NETFILTER_ON = 2;

/** Members of `ipn.Prefs` by ours. */
const FIELDS = {
  controlUrl: "ControlURL",
  routeAll: "RouteAll",
  advertiseRoutes: "AdvertiseRoutes",
  noSnat: "NoSNAT",
  noStatefulFiltering: "NoStatefulFiltering",
  corpDns: "CorpDNS",
  wantRunning: "WantRunning",
  loggedOut: "LoggedOut",
  hostname: "Hostname",
} as const satisfies Record<keyof PrefsChange, string>;

/**
 * Reads the answer of `GET prefs` or `PATCH prefs`.
 * @throws ConfigError when it is none.
 */
export function parsePrefs(value: unknown): TailnetPrefs {
  const raw = parseWith(Prefs, value, "the preferences of tailscaled");
  return {
    controlUrl: raw.ControlURL,
    routeAll: raw.RouteAll,
    advertiseRoutes: raw.AdvertiseRoutes,
    noSnat: raw.NoSNAT,
    // Nobody said anything: it filters nothing, ipn/ipnlocal/local.go, routerConfig.
    noStatefulFiltering: raw.NoStatefulFiltering ?? true,
    netfilterMode: raw.NetfilterMode ?? NETFILTER_ON,
    corpDns: raw.CorpDNS,
    wantRunning: raw.WantRunning,
    loggedOut: raw.LoggedOut,
    hostname: raw.Hostname,
    shieldsUp: raw.ShieldsUp,
    exitNode: raw.ExitNodeID || raw.ExitNodeIP || raw.AutoExitNode,
  };
}

/** A change as `ipn.MaskedPrefs`: each field with a member that says that it is set. */
export function maskedPrefs(change: PrefsChange): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    fieldsOf(change).flatMap(([field, value]) => [[field, value], [`${field}Set`, true]]),
  );
}

/**
 * A change as whole `ipn.Prefs`.
 * @param current what `GET prefs` answered; members that we do not know stay as they are.
 */
export function wholePrefs(
  current: Readonly<Record<string, unknown>>,
  change: PrefsChange,
): Readonly<Record<string, unknown>> {
  return { ...current, ...Object.fromEntries(fieldsOf(change)) };
}

function fieldsOf({ advertiseRoutes, ...others }: PrefsChange): [field: string, value: unknown][] {
  const { advertiseRoutes: routesField, ...fields } = FIELDS;
  const routes: [string, unknown][] = advertiseRoutes
    ? [[routesField, advertiseRoutes.map(formatPrefix)]]
    : [];
  const named = new Map<string, unknown>(Object.entries(others));
  return Object.entries(fields)
    .filter(([key]) => named.get(key) !== undefined)
    .map(([key, field]): [string, unknown] => [field, named.get(key)])
    .concat(routes);
}
