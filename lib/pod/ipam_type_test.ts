import { assertEquals } from "@std/assert";
import { foreignIpamType } from "./ipam_type.ts";

Deno.test("foreignIpamType: undefined for our names, old ones too, and for none", () => {
  for (const type of ["headcni-ipam", "ipam-plugin", "headcni", "ipam-cni", "", null, undefined]) {
    assertEquals(foreignIpamType({ ipam: { type } }), undefined);
  }
  assertEquals(foreignIpamType({}), undefined);
  assertEquals(foreignIpamType({ ipam: null }), undefined);
});

Deno.test("foreignIpamType: the name of any other plugin", () => {
  assertEquals(foreignIpamType({ ipam: { type: "host-local" } }), "host-local");
});
