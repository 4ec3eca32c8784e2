import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { parseAddress } from "./address.ts";
import { formatMac, macFromAddress, parseMac } from "./mac.ts";

Deno.test("parseMac: both separators, either case", () => {
  assertEquals(formatMac(parseMac("02:AB:cd:00:00:7f")), "02:ab:cd:00:00:7f");
  assertEquals(formatMac(parseMac("02-ab-cd-00-00-7f")), "02:ab:cd:00:00:7f");
});

Deno.test("parseMac: refuses malformed and multicast addresses", () => {
  for (const text of ["", "02:ab:cd:00:00", "02:ab:cd:00:00:7g", "02:ab-cd:00:00:7f"]) {
    assertThrows(() => parseMac(text), ConfigError, "six bytes wanted");
  }
  assertThrows(() => parseMac("01:00:5e:00:00:01"), ConfigError, "multicast");
});

Deno.test("macFromAddress: 0a:58 and the last four bytes", () => {
  assertEquals(formatMac(macFromAddress(parseAddress("10.244.1.7"))), "0a:58:0a:f4:01:07");
  assertEquals(formatMac(macFromAddress(parseAddress("fd00::1:2"))), "0a:58:00:01:00:02");
});
