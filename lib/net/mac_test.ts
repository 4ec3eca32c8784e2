import { assertEquals } from "@std/assert";
import { parseAddress } from "./address.ts";
import { formatMac, linkLocalFromMac, macFromAddress, tryParseMac } from "./mac.ts";
import { formatPrefix } from "./prefix.ts";

Deno.test("tryParseMac: both separators, either case", () => {
  for (const text of ["02:AB:cd:00:00:7f", "02-ab-cd-00-00-7f"]) {
    assertEquals(formatMac(tryParseMac(text) ?? new Uint8Array()), "02:ab:cd:00:00:7f");
  }
});

Deno.test("tryParseMac: undefined for malformed and multicast addresses", () => {
  const texts = ["", "02:ab:cd:00:00", "02:ab:cd:00:00:7g", "02:ab-cd:00:00:7f"];
  for (const text of [...texts, "01:00:5e:00:00:01"]) {
    assertEquals(tryParseMac(text), undefined, text);
  }
});

Deno.test("macFromAddress: 0a:58 and the last four bytes", () => {
  assertEquals(formatMac(macFromAddress(parseAddress("10.244.1.7"))), "0a:58:0a:f4:01:07");
  assertEquals(formatMac(macFromAddress(parseAddress("fd00::1:2"))), "0a:58:00:01:00:02");
});

Deno.test("linkLocalFromMac: the example of RFC 2464, and the MAC of a bridge of ours", () => {
  const rows = {
    "34:56:78:9a:bc:de": "fe80::3656:78ff:fe9a:bcde/64",
    "0a:58:0a:01:01:01": "fe80::858:aff:fe01:101/64",
  };
  for (const [text, wanted] of Object.entries(rows)) {
    assertEquals(formatPrefix(linkLocalFromMac(tryParseMac(text) ?? new Uint8Array(6))), wanted);
  }
});
