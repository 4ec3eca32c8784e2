import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readFlags } from "./read_flags.ts";
import { resolveSettings } from "./resolve.ts";
import { formatSettings, tellSettings, type ToldSetting } from "./tell.ts";

function tell(text: string, env: Record<string, string> = {}): ToldSetting[] {
  const file = { path: "f", text, isPrivate: true };
  const { settings, origins, faults } = resolveSettings({
    ...{ flags: readFlags([]), env, file, hostname: "n" },
  });
  assertEquals(faults, []);
  assert(settings);
  return tellSettings(settings, origins);
}

const TEXT = `
network: {podCIDR: {base: "10.244.0.0/16,fd00::/48"}, mtu: 1400}
tailscale: {tags: [tag:a, tag:b], user: "yes: #1"}
cniPlugins: [{name: portmap, config: {snat: true}}]
`;

Deno.test("formatSettings: what it writes is read as the same settings", () => {
  const told = tell(TEXT);
  const again = tell(formatSettings(told));
  assertEquals(
    again.map(({ key, value }) => [key, value]),
    told.map(({ key, value }) => [key, value]),
  );
});

Deno.test("formatSettings: each value has its origin, a section stands once", () => {
  const lines = formatSettings(tell(TEXT, { NODE_NAME: "m" })).split("\n");
  for (
    const line of [
      "  mtu: 1400 # f:2",
      "  name: m # env NODE_NAME",
      "socket: /run/headcni/daemon.sock # default",
    ]
  ) {
    assert(lines.includes(line), line);
  }
  for (
    const section of ["network:", "  podCIDR:", "  socket:", "    prefix: headcni-pod # default"]
  ) {
    assertEquals(lines.filter((line) => line === section).length, 1, section);
  }
});

Deno.test("tellSettings: of a secret only that it is set and where", () => {
  const env = { TS_AUTHKEY_FILE: "/k" };
  const told = tell(
    "headscale: {authKey: hs-key-7}\ncniPlugins: [{name: a, config: {token: hs-key-7, url: 'http://u:hs-key-7@h'}}]",
    env,
  );
  const text = formatSettings(told);
  assertStringIncludes(text, "  authKey: # (set, from f:1)");
  assertStringIncludes(text, "  authKey: # (set, from /k by env TS_AUTHKEY_FILE)");
  assertEquals([text, JSON.stringify(told)].filter((one) => one.includes("hs-key-7")), []);
  assertStringIncludes(formatSettings(tell("")), "  authKey: # (not set)");
});
