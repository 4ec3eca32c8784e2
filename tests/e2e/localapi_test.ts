/** Our client of LocalAPI with a real tailscaled. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { formatPrefix, parsePrefix } from "../../lib/net/prefix.ts";
import { parseAddress } from "../../lib/net/address.ts";
import type { LocalApi } from "../../lib/tailscale/local_api.ts";
import { logIn } from "../../lib/tailscale/log_in.ts";
import { TailscaleError } from "../../lib/tailscale/tailscale_error.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingTailscaled, PATIENCE_MS, RealTailscaled } from "./real_tailscaled.ts";

const missing = missingTailscaled();

function tailscaledTest(name: string, fn: (api: LocalApi, it: RealTailscaled) => Promise<void>) {
  testUnless(missing, name, async () => {
    await using tailscaled = await RealTailscaled.start();
    await fn(tailscaled.api, tailscaled);
  });
}

async function faultOf(doing: () => Promise<unknown>): Promise<TailscaleError> {
  return await assertRejects(doing, TailscaleError);
}

tailscaledTest("LocalApi: the status of a new tailscaled", async (api) => {
  const { backendState, hasTun, self, peers, hasNodeKey, version, authUrl } = await api.status();
  assertEquals({ backendState, hasTun, self, peers, hasNodeKey, authUrl }, {
    backendState: "NeedsLogin",
    hasTun: true,
    self: undefined,
    peers: [],
    hasNodeKey: false,
    authUrl: "",
  });
  assert(/^1\.\d+\.\d+/.test(version), version);
});

tailscaledTest("LocalApi: preferences go there and back, lists too", async (api) => {
  const before = await api.prefs();
  assertEquals([before.advertiseRoutes, before.noSnat], [[], false]);
  const change = {
    advertiseRoutes: [parsePrefix("10.244.0.0/24"), parsePrefix("fd00:244::/64")],
    routeAll: true,
    noSnat: true,
    noStatefulFiltering: true,
    corpDns: false,
    hostname: "edge-7",
  };
  const edited = await api.editPrefs(change);
  assertEquals(edited, { ...before, ...change });
  assertEquals(await api.prefs(), edited);
  const withdrawn = await api.editPrefs({ advertiseRoutes: [] });
  assertEquals(withdrawn, { ...edited, advertiseRoutes: [] });
});

tailscaledTest("LocalApi: a route with host bits is refused with the right one", async (api) => {
  const change = { advertiseRoutes: [parsePrefix("10.244.0.5/24")] };
  const wanted = "route 10.244.0.5/24 has non-address bits set; expected 10.244.0.0/24";
  const error = await faultOf(() => api.editPrefs(change));
  assertEquals(error.kind, "refused");
  assertStringIncludes(error.message, wanted);
  assertEquals((await api.prefs()).advertiseRoutes, []);
});

tailscaledTest("logIn: a control server that is not there leaves the rest usable", async (api) => {
  const controlUrl = "http://127.0.0.1:9";
  const authKey = "hskey-auth-0123456789ab-0123456789abcdef";
  const routes = [parsePrefix("10.244.0.0/24")];
  await api.editPrefs({ noSnat: true });
  await logIn(api, { authKey, change: { controlUrl, advertiseRoutes: routes } });
  const { backendState, self } = await api.status({ peers: false });
  assert(backendState !== "Running", backendState);
  assertEquals(self, undefined);
  const prefs = await api.prefs();
  assertEquals([prefs.controlUrl, prefs.noSnat, prefs.wantRunning, prefs.loggedOut], [
    ...[controlUrl, true, true, false],
  ]);
  assertEquals(prefs.advertiseRoutes.map(formatPrefix), ["10.244.0.0/24"]);
  await api.logout(); // no node key: nothing to do
});

tailscaledTest("LocalApi: questions that only a tailnet answers", async (api) => {
  assertEquals(await api.whois(parseAddress("100.64.0.1")), undefined);
  const ping = await api.ping(parseAddress("100.64.0.1"), "disco");
  assert("error" in ping, JSON.stringify(ping));
  assertEquals(typeof await api.checkIpForwarding(), "string");
});

tailscaledTest(
  "LocalApi.watch: something comes at once, and when preferences change",
  async (api) => {
    const controller = new AbortController();
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const triggers = api.watch(AbortSignal.any([controller.signal, patience]));
    assertEquals((await triggers.next()).done, false);
    await api.editPrefs({ hostname: "edge-8" });
    assertEquals((await triggers.next()).done, false);
    const next = triggers.next();
    controller.abort();
    // Another trigger may have come before.
    assert((await next).done || (await triggers.next()).done);
  },
);

tailscaledTest(
  "LocalApi: a tailscaled that ends is told by the bus and by its socket",
  async (api, it) => {
    const triggers = api.watch(AbortSignal.timeout(PATIENCE_MS));
    await triggers.next();
    await it.stop();
    const end = await (async () => {
      for await (const _ of triggers);
    })().then(() => "ended", (error) => error instanceof TailscaleError ? error.kind : error);
    assert(end === "ended" || end === "no-answer", String(end));
    const error = await faultOf(() => api.status());
    assertEquals(error.kind, "no-socket");
    assertStringIncludes(error.message, "start tailscaled");
  },
);

testUnless(missing, "LocalApi: a tailscaled of a configuration file takes no edits", async () => {
  const config = { version: "alpha0", hostname: "edge-9", serverURL: "http://127.0.0.1:9" };
  await using tailscaled = await RealTailscaled.start(JSON.stringify(config));
  const { api } = tailscaled;
  assertEquals((await api.prefs()).hostname, "edge-9");
  for (
    const doing of [
      () => api.editPrefs({ routeAll: true }),
      () => api.start({ change: { routeAll: true } }),
    ]
  ) {
    const error = await faultOf(doing);
    assertEquals(error.kind, "config-file", error.message);
    assertStringIncludes(error.message, "configuration file");
  }
});
