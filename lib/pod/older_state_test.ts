import { assertEquals } from "@std/assert";
import { parseNetworkConfig } from "../cni/network_config.ts";
import { isOlderStateFile, type OlderState, parseOlderState } from "./older_state.ts";

const TODAY = parseNetworkConfig(
  { name: "pods", type: "headcni", cniVersion: "1.0.0" },
  "1.0.0",
  "DEL",
);

function parse(files: Record<string, unknown>): OlderState {
  const texts = Object.entries(files)
    .map(([name, value]): [string, string] => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
  return parseOlderState(new Map(texts), TODAY, "c1");
}

const BRIDGE = { name: "pods", cniVersion: "0.4.0", type: "bridge", bridge: "cni0" };

Deno.test("isOlderStateFile: the names that the older plugins gave", () => {
  for (const name of ["c1", "c1-delegate", "c1-plugin-0", "c1-plugin-12"]) {
    assertEquals(isOlderStateFile(name, "c1"), true, name);
  }
  for (
    const name of ["c", "c12", "c1-plugin-", "c1-plugin-x", "c1-delegate.tmp", "xc1", "c1-eth0"]
  ) {
    assertEquals(isOlderStateFile(name, "c1"), false, name);
  }
});

Deno.test("parseOlderState: nothing was left", () => {
  const nothing = { members: [], files: [], faults: [] };
  assertEquals(parse({}), nothing);
  assertEquals(parse({ c2: BRIDGE, "c2-plugin-0": {} }), nothing);
});

Deno.test("parseOlderState: one file by the container id, or the delegate's", () => {
  for (const file of ["c1", "c1-delegate"]) {
    assertEquals(parse({ [file]: BRIDGE }), {
      members: [{ kind: "plugin", type: "bridge", config: BRIDGE }],
      files: [file],
      faults: [],
    });
  }
});

Deno.test("parseOlderState: a chain in the order of ADD, with what raw members lack", () => {
  const { members, faults } = parse({
    "c1-plugin-10": { index: 10, type: "firewall", config: { type: "firewall" } },
    "c1-plugin-2": { index: 2, type: "tuning", config: { name: "pods", type: "tuning" } },
    "c1-plugin-1": { index: 1, type: "portmap", config: { snat: true }, executed_at: 1 },
    "c1-plugin-0": { index: 0, type: "headcni", config: { type: "headcni", delegate: {} } },
    "c1-delegate": BRIDGE,
  });
  const common = { name: "pods", cniVersion: "1.0.0" };
  assertEquals(faults, []);
  assertEquals(members.map(({ config }) => config), [
    BRIDGE,
    { ...common, type: "portmap", snat: true },
    { ...common, type: "tuning" },
    { ...common, type: "firewall" },
  ]);
});

Deno.test("parseOlderState: a delegate whose ADD failed was the last that was begun", () => {
  const { members } = parse({ "c1-delegate": BRIDGE, "c1-plugin-0": { config: { type: "ptp" } } });
  assertEquals(members.map(({ config }) => config.type), ["ptp", "bridge"]);
});

Deno.test("parseOlderState: what nobody can read is told, the rest is used", () => {
  const { members, files, faults } = parse({
    c1: '{"name": "pods", "ty',
    "c1-plugin-0": { type: "headcni", config: { type: "headcni" } },
    "c1-plugin-1": { type: "portmap", config: [] },
    "c1-plugin-2": { config: { snat: true } },
    "c1-plugin-3": { config: { type: "tuning" } },
  });
  assertEquals(members.map(({ config }) => config.type), ["tuning"]);
  assertEquals(files.length, 5);
  assertEquals(faults.map((fault) => /"([^"]*)"/.exec(fault)?.[1]), [
    "c1",
    "c1-plugin-0",
    "c1-plugin-1",
    "c1-plugin-2",
  ]);
});
