import { assertEquals, assertStringIncludes } from "@std/assert";
import { meshReport } from "../../../tests/fakes/mesh_report.ts";
import { headscaleNode } from "../../../tests/fakes/tailnet.ts";
import type { LoginDecision } from "../../mesh/login.ts";
import type { TailnetPrefs, TailnetStatus } from "../../mesh/tailnet.ts";
import { loadSettings } from "../settings/load.ts";
import { readFlags } from "../settings/read_flags.ts";
import { type JoinTools, TailnetJoin } from "./join_tailnet.ts";

const { status, prefs } = meshReport().sight;

/** Tools that write down what is asked of them. */
function stage(env: Readonly<Record<string, string>>, clockMs: number, asked: string[]): JoinTools {
  const { settings } = loadSettings({ line: readFlags([]), env, defaultPath: "/nonexistent" });
  const say = <T>(text: string, value: T | undefined): Promise<T> => {
    asked.push(text);
    return value === undefined ? Promise.reject(new Error(text)) : Promise.resolve(value);
  };
  return {
    api: {
      status: (): Promise<TailnetStatus> =>
        status ? Promise.resolve({ ...status, hasNodeKey: false }) : Promise.reject(new Error("-")),
      start: ({ authKey, change } = {}) =>
        say(`start ${authKey} at ${change?.controlUrl ?? "its server"}`, null).then(() => {}),
      loginInteractive: () => say("log in", null).then(() => {}),
      editPrefs: (change): Promise<TailnetPrefs> => say(`edit ${JSON.stringify(change)}`, prefs),
    },
    headscale: () => ({
      createPreAuthKey: ({ user, tags }) =>
        say(`make a key of ${user ?? "nobody"} with ${tags}`, {
          ...{ key: "minted", id: "1", expiration: undefined },
        }),
      findNode: ({ nodeKey }) =>
        say(`find ${nodeKey}`, headscaleNode({ expiry: "2026-01-01T00:00:00Z" })),
      disableExpiry: (id) => say(`lift the expiry of ${id}`, null).then(() => {}),
    }),
    nodeKey: undefined,
    tailscale: settings.tailscale,
    clockMs,
  };
}

const LOGIN: LoginDecision = { kind: "login", by: "auth-key", reason: "it is logged in nowhere" };

Deno.test("TailnetJoin: logs in by the given key, or by one that Headscale makes", async () => {
  const asked: string[] = [];
  const join = new TailnetJoin();
  const env = { TS_AUTHKEY: "given", TAILSCALE_TAGS: "tag:pods", TAILSCALE_USER: "k8s" };
  assertEquals(await join.attempt(LOGIN, stage(env, 0, asked)), true);
  const minted: LoginDecision = { ...LOGIN, by: "minted-key", controlUrl: "https://h.example" };
  assertEquals(await join.attempt(minted, stage(env, 15_000, asked)), true);
  assertEquals(asked, [
    ...["start given at its server", "log in"],
    ...["make a key of k8s with tag:pods", "start minted at https://h.example", "log in"],
  ]);
  assertEquals([join.attempts, join.trouble], [2, undefined]);
});

Deno.test("TailnetJoin: sees to a node that was in before, and only then to its key", async () => {
  const asked: string[] = [];
  const tools = { ...stage({ TAILSCALE_TAGS: "tag:pods" }, 0, asked), nodeKey: "nodekey:01" };
  await new TailnetJoin().attempt({ ...LOGIN, by: "minted-key" }, tools);
  assertEquals(asked, [
    ...["find nodekey:01", "lift the expiry of 7", "make a key of nobody with tag:pods"],
    ...["start minted at its server", "log in"],
  ]);
});

Deno.test("TailnetJoin: remembers that the given key was tried, until the node is in", async () => {
  const join = new TailnetJoin();
  const env = { TS_AUTHKEY: "given", TAILSCALE_TAGS: "tag:pods" };
  await join.attempt({ ...LOGIN, by: "minted-key" }, stage(env, 0, []));
  assertEquals(join.hasTriedAuthKey, false);
  await join.attempt(LOGIN, stage(env, 15_000, []));
  assertEquals(join.hasTriedAuthKey, true);
  join.arrived();
  assertEquals(join.hasTriedAuthKey, false);
});

Deno.test("TailnetJoin: tries less and less often, and from the start again once it was in", async () => {
  const asked: string[] = [];
  const join = new TailnetJoin();
  const start: LoginDecision = { kind: "start", reason: "it is down" };
  const at = (clockMs: number) => join.attempt(start, stage({}, clockMs, asked));
  assertEquals([await at(0), await at(14_999), await at(15_000)], [true, false, true]);
  assertEquals([await at(44_999), await at(45_000)], [false, true]);
  join.arrived();
  assertEquals(await at(45_001), true);
  assertEquals(new Set(asked), new Set(['edit {"wantRunning":true}']));
});

Deno.test("TailnetJoin: what keeps it out is told, and others than a login are not its work", async () => {
  const join = new TailnetJoin();
  const tools = stage({}, 0, []);
  const nobody = { ...tools, tailscale: { ...tools.tailscale, tags: [] } };
  await join.attempt({ ...LOGIN, by: "minted-key" }, nobody);
  assertStringIncludes(join.trouble ?? "", "tailscale.tags");
  for (const kind of ["none", "wait", "blocked"] as const) {
    assertEquals(await join.attempt({ kind, reason: "", fix: "" }, nobody), false);
  }
});
