import { assertEquals } from "@std/assert";
import { podMtu } from "./addresses.ts";

Deno.test("podMtu: configured, or 1280, or the lowest of the links by which packets leave", () => {
  const cases: [configured: number | undefined, links: (number | undefined)[], mtu: number][] = [
    [undefined, [], 1280],
    [undefined, [undefined, undefined], 1280],
    [undefined, [1500, 1280], 1280],
    [undefined, [1500, undefined], 1280],
    [undefined, [1500, 1200], 1200],
    [undefined, [1100, 1200], 1100],
    [undefined, [undefined, 1200], 1200],
    [1400, [1500, 1200], 1400],
  ];
  for (const [mtuBytes, links, expected] of cases) {
    assertEquals(podMtu({ mtuBytes }, ...links), expected, `${mtuBytes} ${links}`);
  }
});
