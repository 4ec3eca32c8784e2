import { assertEquals } from "@std/assert";
import { parseAddress } from "../../../lib/net/address.ts";
import { parseEndpoint } from "./targets.ts";

Deno.test("parseEndpoint: addresses of both families, with and without a port", () => {
  const [four, six] = [parseAddress("192.0.2.7"), parseAddress("fd00::7")];
  assertEquals(parseEndpoint("192.0.2.7"), four);
  assertEquals(parseEndpoint("fd00::7"), six);
  assertEquals(parseEndpoint("192.0.2.7:443"), { address: four, port: 443 });
  assertEquals(parseEndpoint("[fd00::7]:1"), { address: six, port: 1 });
});

Deno.test("parseEndpoint: undefined for names, ports that are none, and brackets in the wrong place", () => {
  for (
    const text of ["", "a.example", "192.0.2.7:0", "192.0.2.7:65536", "[192.0.2.7]:1", "[fd00::7]"]
  ) assertEquals(parseEndpoint(text), undefined, text);
});
