import { assertEquals } from "@std/assert";
import { pluginContext } from "./context.ts";

Deno.test("pluginContext: defaults, also for empty variables", () => {
  const env = { HEADCNI_DATA_DIR: "", HEADCNI_LOG_FILE: "" };
  const { nowMs: _nowMs, elapsedMs: _elapsedMs, random: _random, node: _node, self, ...context } =
    pluginContext(env);
  assertEquals(self.at(-1)?.endsWith("/main.ts"), true);
  assertEquals(context, {
    env,
    dataDirectory: undefined,
    runDirectory: "/run/headcni",
    resultsDirectory: "/var/lib/cni/results",
    logLevel: undefined,
    logFile: undefined,
    allowOwnNetns: false,
  });
});

Deno.test("pluginContext: takes what the environment says", () => {
  const env = {
    HEADCNI_DATA_DIR: "/data",
    HEADCNI_RUN_DIR: "/r",
    HEADCNI_RESULTS_DIR: "/results",
    HEADCNI_LOG_LEVEL: "debug",
    HEADCNI_LOG_FILE: "/log",
    CNI_NETNS_OVERRIDE: "true",
  };
  const {
    nowMs: _nowMs,
    elapsedMs: _elapsed,
    random: _random,
    node: _node,
    self: _self,
    ...context
  } = pluginContext(
    env,
  );
  assertEquals(context, {
    env,
    dataDirectory: "/data",
    runDirectory: "/r",
    resultsDirectory: "/results",
    logLevel: "debug",
    logFile: "/log",
    allowOwnNetns: true,
  });
  for (
    const [text, allowed] of [["1", true], ["TRUE", true], ["0", false], ["yes", false]] as const
  ) {
    assertEquals(pluginContext({ CNI_NETNS_OVERRIDE: text }).allowOwnNetns, allowed);
  }
});
