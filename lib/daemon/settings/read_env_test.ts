import { assertEquals } from "@std/assert";
import { formatFault } from "./given.ts";
import { readEnv, readFallbackEnv } from "./read_env.ts";
import { Secret } from "./secret.ts";

function given(env: Record<string, string>): unknown[] {
  return readEnv(env).given.map(({ key, raw, origin }) => [
    ...[key, raw instanceof Secret ? raw.file ?? raw.reveal() : raw],
    origin.from === "env" ? origin.name : origin.from,
  ]);
}

Deno.test("readEnv: the first of a setting's variables that is not empty counts", () => {
  assertEquals(given({ HEADCNI_LOG_LEVEL: " ", LOG_LEVEL: "debug", PATH: "/bin" }), [
    ["logging.level", "debug", "LOG_LEVEL"],
  ]);
  assertEquals(given({ HEADCNI_LOG_LEVEL: "warn", LOG_LEVEL: "debug" }), [
    ["logging.level", "warn", "HEADCNI_LOG_LEVEL"],
  ]);
});

Deno.test("readEnv: a secret, or the file that holds it", () => {
  assertEquals(given({ HEADSCALE_API_KEY: "hs-key-7", TS_AUTHKEY_FILE: "/k" }), [
    ["headscale.authKey", "hs-key-7", "HEADSCALE_API_KEY"],
    ["tailscale.authKey", "/k", "TS_AUTHKEY_FILE"],
  ]);
});

Deno.test("readEnv: every fault at once", () => {
  const env = { TAILSCALE_MTU: "x", MONITORING_ENABLED: "maybe", HEADSCALE_AUTH_KEY_FILE: "k" };
  assertEquals(readEnv(env).faults.map(formatFault), [
    'env MONITORING_ENABLED: monitoring.enabled: true or false wanted, got "maybe"',
    "env HEADSCALE_AUTH_KEY_FILE: headscale.authKey: an absolute path wanted",
    'env TAILSCALE_MTU: tailscale.mtu: a number of bytes from 576 to 65535 wanted, got "x"',
  ]);
});

Deno.test("readEnv: what Kubernetes sets for a service of that name is not the port", () => {
  const { given, faults, warnings } = readEnv({ METRICS_PORT: "tcp://10.96.0.7:9001" });
  assertEquals([given, faults], [[], []]);
  assertEquals(warnings.length, 1);
});

Deno.test("readFallbackEnv: the node's pod network", () => {
  const env = { NODE_POD_CIDR: "10.244.3.0/24", POD_CIDR: "10.244.0.0/16" };
  assertEquals(readFallbackEnv(env).given.map(({ key }) => key), ["network.podCIDR.nodeLocal"]);
  assertEquals(readEnv(env).given.map(({ key }) => key), ["network.podCIDR.base"]);
});
