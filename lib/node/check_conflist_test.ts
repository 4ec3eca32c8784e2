import { assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { checkConflist } from "./check_conflist.ts";

function list(entry: Readonly<Record<string, unknown>>, more = {}) {
  return {
    cniVersion: "1.0.0",
    name: "headcni",
    plugins: [{ type: "headcni", ipam: { type: "headcni-ipam" }, ...entry }],
    ...more,
  };
}

Deno.test("checkConflist: takes what the plugin takes", () => {
  checkConflist(list({}));
  checkConflist(list({ ipam: { type: "headcni-ipam", subnet: "10.244.1.0/24" } }));
  checkConflist(list({ ipam: { type: "dhcp" } }));
  checkConflist(list({ delegate: {}, ipam: { type: "host-local" } }));
});

const REFUSED: readonly [what: string, list: Record<string, unknown>, text: string][] = [
  ["a key of a wrong type", list({ mtu: "1280" }), "mtu: number wanted"],
  ["a version nobody speaks", list({}, { cniVersions: ["1.0.0", "9.0.0"] }), "incompatible"],
  ["a name that is no file name", list({}, { name: "a/b" }), "network name"],
  ["addresses that cannot be", list({ ipam: { type: "headcni-ipam", cooldown: [] } }), "cooldown"],
  ["a delegate that calls itself", list({ delegate: { type: "headcni" } }), "call itself"],
  ["no entry of ours", list({}, { plugins: [{ type: "bridge" }] }), "got 0"],
  ["two entries of ours", list({}, { plugins: [{ type: "headcni" }, { type: "headcni" }] }), "2"],
  ["no list at all", list({}, { plugins: null }), "got 0"],
];

for (const [what, conflist, text] of REFUSED) {
  Deno.test(`checkConflist: refuses ${what}`, () => {
    const { message } = assertThrows(() => checkConflist(conflist), ConfigError);
    assertStringIncludes(message, text);
  });
}
