import { assertEquals } from "@std/assert";
import { selfNode, tailnetPrefs, tailnetStatus } from "../../tests/fakes/tailnet.ts";
import { decideLogin, isSameServer, type LoginDecision, type LoginMeans } from "./login.ts";
import type { TailnetPrefs, TailnetStatus } from "./tailnet.ts";

const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const URL_OF_OURS = "https://hs.mesh.test";

interface Case {
  readonly status?: Partial<TailnetStatus>;
  readonly prefs?: Partial<TailnetPrefs>;
  readonly means?: Partial<LoginMeans>;
}

function decide({ status, prefs, means }: Case): LoginDecision {
  const given: LoginMeans = { mode: "host", canUseAuthKey: false, canMintKey: false, ...means };
  return decideLogin(tailnetStatus(status), tailnetPrefs(prefs), given, NOW_MS);
}

const FRESH = { backendState: "NeedsLogin", self: undefined, hasNodeKey: false } as const;
const ELSEWHERE = { controlUrl: "https://other.test" };
const OURS = { controlUrl: URL_OF_OURS };
const AUTH_KEY = { canUseAuthKey: true };
const API_KEY = { canMintKey: true };
const BOTH_KEYS = { ...AUTH_KEY, ...API_KEY };
const GIVE_KEY = "give a pre-auth key (tailscale.authKey) or an API key (headscale.authKey)";

Deno.test("decideLogin: nothing to do in the tailnet, with or without a key", () => {
  for (const means of [{}, BOTH_KEYS, OURS, { ...OURS, mode: "own" }] as const) {
    assertEquals(decide({ means }), { kind: "none" });
  }
  const later = { self: selfNode({ keyExpiry: "2026-06-01T00:00:01Z" }) };
  assertEquals(decide({ status: later, means: BOTH_KEYS }), { kind: "none" });
});

Deno.test("decideLogin: waits for what goes on without us", () => {
  const rows = [
    ["NoState", "tailscaled has just started"],
    ["Starting", 'tailscaled is in the state "Starting"'],
    ["NeedsMachineAuth", "an administrator has to approve the node"],
    ["SomethingNew", 'tailscaled is in the state "SomethingNew"'],
  ] as const;
  for (const [backendState, reason] of rows) {
    assertEquals(decide({ status: { backendState }, means: BOTH_KEYS }), { kind: "wait", reason });
  }
});

Deno.test("decideLogin: one of our own that is down is started, without a key", () => {
  const means = { ...AUTH_KEY, mode: "own" } as const;
  assertEquals(
    decide({ status: { backendState: "Stopped" }, prefs: { wantRunning: false }, means }),
    { kind: "start", reason: "tailscaled is logged in, but down" },
  );
});

Deno.test("decideLogin: one of the machine that a person stopped stays so, whatever its key", () => {
  const expired = { self: selfNode({ isExpired: true }) };
  const rows = [
    [{ backendState: "Stopped" }, { wantRunning: false }],
    // One of both was asked before the other changed.
    [{ backendState: "Stopped" }, {}],
    [{ backendState: "Running" }, { wantRunning: false }],
    [{ backendState: "Stopped", ...expired }, { wantRunning: false }],
    [{ backendState: "NeedsLogin", ...expired }, { wantRunning: false }],
  ] as const;
  for (const [status, prefs] of rows) {
    assertEquals(decide({ status, prefs, means: { ...BOTH_KEYS, socket: "/run/ts.sock" } }), {
      kind: "blocked",
      reason: "tailscaled is logged in, but a person has stopped it (tailscale down)",
      fix: "take it up again when it may run: tailscale --socket=/run/ts.sock up",
    });
  }
});

Deno.test("decideLogin: one of the machine that never ran is logged in", () => {
  const prefs = { wantRunning: false, controlUrl: "" };
  assertEquals(decide({ status: FRESH, prefs, means: AUTH_KEY }), {
    ...{ kind: "login", by: "auth-key", reason: "the node is not logged in" },
  });
});

Deno.test("decideLogin: one that is being logged out is left alone, one without a key is logged in", () => {
  const prefs = { loggedOut: true, wantRunning: false };
  assertEquals(decide({ status: { backendState: "Stopped" }, prefs, means: AUTH_KEY }), {
    kind: "wait",
    reason: "the node is being logged out",
  });
  for (const backendState of ["Stopped", "Starting"]) {
    assertEquals(decide({ status: { ...FRESH, backendState }, means: AUTH_KEY }), {
      ...{ kind: "login", by: "auth-key", reason: "the node is not logged in" },
    });
  }
});

Deno.test("decideLogin: the first login is by the key that was given, else by one that is made", () => {
  const reason = "the node is not logged in";
  const rows = [
    [AUTH_KEY, "auth-key"],
    [BOTH_KEYS, "auth-key"],
    [API_KEY, "minted-key"],
  ] as const;
  for (const [means, by] of rows) {
    assertEquals(decide({ status: FRESH, means }), { kind: "login", by, reason });
    assertEquals(
      decide({ status: FRESH, prefs: { controlUrl: "" }, means: { ...means, ...OURS } }),
      { kind: "login", by, reason, controlUrl: URL_OF_OURS },
    );
    // The server that it has already need not be told.
    assertEquals(
      decide({ status: FRESH, means: { ...means, controlUrl: `${URL_OF_OURS}/` } }),
      { kind: "login", by, reason },
    );
  }
});

Deno.test("decideLogin: a given key that did not do is followed by one that is made", () => {
  const rows = [[BOTH_KEYS, "minted-key"], [AUTH_KEY, "auth-key"]] as const;
  for (const [means, by] of rows) {
    assertEquals(decide({ status: FRESH, means: { ...means, hasTriedAuthKey: true } }), {
      ...{ kind: "login", by, reason: "the node is not logged in" },
    });
  }
});

Deno.test("decideLogin: without a key a person has to log the node in", () => {
  const reason = "the node is not logged in";
  assertEquals(decide({ status: FRESH }), { kind: "blocked", reason, fix: GIVE_KEY });
  const authUrl = `${URL_OF_OURS}/register/x`;
  assertEquals(decide({ status: { ...FRESH, authUrl } }), {
    ...{ kind: "blocked", reason },
    fix: `${GIVE_KEY}, or log it in at ${authUrl}`,
  });
});

Deno.test("decideLogin: an expired key, by what is said or by the clock, in whatever state", () => {
  const reason = "the key of the node has expired";
  const expired = [
    { backendState: "NeedsLogin", self: selfNode({ isExpired: true }) },
    { backendState: "Running", self: selfNode({ isExpired: true }) },
    { backendState: "NeedsLogin", self: selfNode({ keyExpiry: "2026-06-01T00:00:00Z" }) },
    { backendState: "Starting", self: selfNode({ keyExpiry: "2026-05-01T00:00:00Z" }) },
  ];
  for (const status of expired) {
    // The key that was given may be spent.
    for (const means of [API_KEY, BOTH_KEYS]) {
      assertEquals(decide({ status, means }), { kind: "login", by: "minted-key", reason });
    }
    assertEquals(decide({ status, means: AUTH_KEY }), { kind: "login", by: "auth-key", reason });
    assertEquals(decide({ status }), { kind: "blocked", reason, fix: GIVE_KEY });
  }
});

Deno.test("decideLogin: a clock that is ahead of tailscaled's control server ends no key", () => {
  const status = { self: selfNode({ keyExpiry: "2026-05-01T00:00:00Z" }) };
  assertEquals(decide({ status, means: BOTH_KEYS }), { kind: "none" });
});

Deno.test("decideLogin: one that was logged out stays so unless there is a key", () => {
  const [prefs, reason] = [{ loggedOut: true, wantRunning: false }, "the node was logged out"];
  assertEquals(decide({ status: FRESH, prefs }), { kind: "blocked", reason, fix: GIVE_KEY });
  assertEquals(decide({ status: FRESH, prefs, means: AUTH_KEY }), {
    ...{ kind: "login", by: "auth-key", reason },
  });
});

Deno.test("decideLogin: a tailscaled of the machine at another server is never touched", () => {
  const reason = `tailscaled is logged in to "https://other.test", not to "${URL_OF_OURS}"`;
  for (const backendState of ["Running", "Stopped", "NeedsLogin", "Starting"]) {
    const status = { backendState, self: selfNode({ isExpired: true }) };
    assertEquals(decide({ status, prefs: ELSEWHERE, means: { ...BOTH_KEYS, ...OURS } }), {
      ...{ kind: "blocked", reason },
      fix: "log it out yourself (tailscale logout), or stop it and set tailscale.mode to own",
    });
  }
});

Deno.test("decideLogin: the way out of another server names the socket", () => {
  const means = { ...OURS, socket: "/run/ts.sock" };
  assertEquals(decide({ prefs: ELSEWHERE, means }), {
    kind: "blocked",
    reason: `tailscaled is logged in to "https://other.test", not to "${URL_OF_OURS}"`,
    fix: "log it out yourself (tailscale --socket=/run/ts.sock logout), " +
      "or stop it and set tailscale.mode to own",
  });
});

Deno.test("decideLogin: what is not logged in there, or may be anywhere, is not elsewhere", () => {
  const means = { ...AUTH_KEY, ...OURS };
  for (const prefs of [ELSEWHERE, { ...ELSEWHERE, loggedOut: true }]) {
    const status = { ...FRESH, hasNodeKey: prefs !== ELSEWHERE };
    const decision = decide({ status, prefs, means });
    assertEquals([decision.kind, "controlUrl" in decision && decision.controlUrl], [
      ...["login", URL_OF_OURS],
    ]);
  }
  assertEquals(decide({ prefs: ELSEWHERE }), { kind: "none" });
  assertEquals(decide({ prefs: { controlUrl: "" }, means }), { kind: "none" });
});

Deno.test("decideLogin: a tailscaled of our own follows the settings to another server", () => {
  const reason = `tailscaled is logged in to "https://other.test", not to "${URL_OF_OURS}"`;
  const own = { mode: "own", ...OURS } as const;
  assertEquals(decide({ prefs: ELSEWHERE, means: { ...own, ...AUTH_KEY } }), {
    ...{ kind: "login", by: "auth-key", reason, controlUrl: URL_OF_OURS },
  });
  assertEquals(decide({ prefs: ELSEWHERE, means: own }), {
    ...{ kind: "blocked", reason, fix: GIVE_KEY },
  });
});

Deno.test("decideLogin: userspace networking and another user's tailscaled are blocked", () => {
  assertEquals(decide({ status: { hasTun: false }, means: BOTH_KEYS }), {
    kind: "blocked",
    reason:
      "tailscaled runs with userspace networking: the kernel, and so the pods, know no tailnet",
    fix: "give it /dev/net/tun, and start it without --tun=userspace-networking",
  });
  assertEquals(decide({ status: { backendState: "InUseOtherUser" }, means: BOTH_KEYS }), {
    kind: "blocked",
    reason: "another user of this machine has tailscaled for himself",
    fix: "set tailscale.mode to own, or end what that user runs",
  });
});

Deno.test("isSameServer: of a URL counts where it leads", () => {
  const rows = [
    ["https://hs.test", "https://HS.test:443/", true],
    ["https://hs.test/a/", "https://hs.test/a", true],
    ["https://hs.test/a", "https://hs.test/b", false],
    ["http://hs.test", "https://hs.test", false],
    ["https://hs.test", "https://hs.test:8443", false],
    ["https://login.tailscale.com", "https://controlplane.tailscale.com", true],
    ["nonsense", "nonsense", true],
    ["nonsense", "https://hs.test", false],
  ] as const;
  for (const [one, other, isSame] of rows) {
    assertEquals([isSameServer(one, other), isSameServer(other, one)], [isSame, isSame]);
  }
});
