import { assertEquals } from "@std/assert";
import { foreignIpamType, hasForeignIpam, usesOwnIpam } from "./ipam_type.ts";

Deno.test("foreignIpamType: undefined for our names, old ones too, and for none", () => {
  for (const type of ["headcni-ipam", "ipam-plugin", "headcni", "ipam-cni", "", null, undefined]) {
    assertEquals(foreignIpamType({ ipam: { type } }), undefined);
  }
  assertEquals(foreignIpamType({}), undefined);
  assertEquals(foreignIpamType({ ipam: null }), undefined);
});

Deno.test("foreignIpamType: the name of any other plugin", () => {
  assertEquals(foreignIpamType({ ipam: { type: "host-local" } }), "host-local");
  assertEquals(foreignIpamType({ plugins: [{}, { ipam: { type: "static" } }] }), "static");
});

Deno.test("foreignIpamType: what is delegated gets its addresses from host-local, unless told otherwise", () => {
  const delegate = { type: "bridge" };
  assertEquals(foreignIpamType({ delegate }), "host-local");
  assertEquals(foreignIpamType({ plugins: [{ type: "headcni", delegate }] }), "host-local");
  assertEquals(foreignIpamType({ delegate, ipam: { type: "headcni-ipam" } }), undefined);
});

Deno.test("hasForeignIpam: only for what names another plugin, whatever is stored", () => {
  assertEquals(hasForeignIpam({ ipam: { type: "host-local" } }), true);
  for (const config of [undefined, null, "text", {}, { ipam: { type: "headcni-ipam" } }]) {
    assertEquals(hasForeignIpam(config), false);
  }
});

Deno.test("usesOwnIpam: by the type of ipam, else by that of the plugin", () => {
  const cases: [raw: Record<string, unknown>, expected: boolean][] = [
    [{ type: "bridge", ipam: { type: "headcni-ipam" } }, true],
    [{ type: "ipam-cni", ipam: { type: "ipam-plugin" } }, true],
    [{ type: "headcni", ipam: { subnet: "10.1.0.0/24" } }, true],
    [{ type: "headcni", ipam: { type: "", subnet: "10.1.0.0/24" } }, true],
    [{ type: "headcni", ipam: { type: "host-local" } }, false],
    [{ type: "bridge", ipam: {} }, false],
    [{ type: "portmap" }, false],
    [{ type: "headcni", delegate: { type: "bridge" } }, false],
    [{ type: "headcni", delegate: {}, ipam: { type: "headcni-ipam" } }, true],
    [{ type: "headcni", plugins: [{ type: "headcni" }, { type: "portmap" }] }, true],
    [{ type: "headcni", plugins: [{ type: "bridge", ipam: { type: "host-local" } }] }, false],
    [{}, false],
  ];
  for (const [raw, expected] of cases) assertEquals(usesOwnIpam(raw), expected);
});
