import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { type ChainedPlugin, chainMembers } from "./chain.ts";

function entry(name: string, priority: number, config: unknown, enabled = true): ChainedPlugin {
  return { name, priority, config, enabled };
}

Deno.test("chainMembers: enabled ones by ascending priority, as text or object", () => {
  const members = chainMembers([
    entry("tuning", 3, { type: "tuning", sysctl: {} }),
    entry("off", 0, "not even JSON", false),
    entry("firewall", 1, `{"type": "firewall"}`),
    entry("sbr", 1, { type: "sbr" }),
  ]);
  assertEquals(members, [{ type: "firewall" }, { type: "sbr" }, { type: "tuning", sysctl: {} }]);
});

Deno.test("chainMembers: portmap and bandwidth get the capability without which they do nothing", () => {
  const members = chainMembers([
    entry("portmap", 1, { type: "portmap", snat: true }),
    entry("bandwidth", 2, { type: "bandwidth" }),
    entry("mine", 3, { type: "portmap", capabilities: {} }),
  ]);
  assertEquals(members, [
    { type: "portmap", snat: true, capabilities: { portMappings: true } },
    { type: "bandwidth", capabilities: { bandwidth: true } },
    { type: "portmap", capabilities: {} },
  ]);
});

Deno.test("chainMembers: every fault is told with the name of the entry", () => {
  const bad = [
    entry("broken", 1, `{"type": "portmap"`),
    entry("list", 2, []),
    entry("typeless", 3, { snat: true }),
    entry("again", 4, { type: "headcni" }),
  ];
  const { message } = assertThrows(() => chainMembers(bad), ConfigError);
  assertEquals(
    message.replace(/no JSON text: .*?;/, "no JSON text;"),
    [
      `Cannot use cniPlugins: "broken": config is no JSON text`,
      `"list": config must be an object, got []`,
      `"typeless": config.type must be text, got undefined`,
      `"again": config.type must not be "headcni": it is first already`,
    ].join("; "),
  );
});
