import { assertEquals } from "@std/assert";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { diffOlderRoutes, type OlderRoute, olderRoutesOf } from "./older_routes.ts";

/** A row from `id node prefix flags`, where the flags are some of advertised, enabled, primary. */
function row(text: string): OlderRoute {
  const [id = "", nodeId, prefix = "", flags = ""] = text.split(" ");
  const has = (letter: string) => flags.includes(letter);
  return {
    id,
    nodeId: nodeId === "-" ? undefined : nodeId,
    prefix: parsePrefix(prefix),
    isAdvertised: has("a"),
    isEnabled: has("e"),
    isPrimary: has("p"),
  };
}

const ROWS = [
  "1 7 10.244.1.0/24 a",
  "2 7 192.168.7.0/24 aep",
  "3 7 10.9.0.0/16 ae",
  "4 7 10.8.0.0/16 e",
  "5 8 10.244.1.0/24 aep",
  "6 8 10.7.0.0/16 a",
  "7 - 10.244.1.0/24 a",
].map(row);

Deno.test("diffOlderRoutes: rows of that node alone, by what is wanted", () => {
  for (
    const [wanted, enable, disable] of [
      ["10.244.1.0/24 192.168.7.0/24 10.9.0.0/16 10.8.0.0/16", "1", ""],
      ["10.244.1.0/24", "1", "2 3 4"],
      ["192.168.7.0/24 10.9.0.0/16 10.8.0.0/16", "", ""],
      ["10.7.0.0/16", "", "2 3 4"],
      ["", "", "2 3 4"],
    ] satisfies [string, string, string][]
  ) {
    const prefixes = wanted.split(" ").filter((one) => one !== "").map(parsePrefix);
    const change = diffOlderRoutes("7", prefixes, ROWS);
    assertEquals([change.enable.join(" "), change.disable.join(" ")], [enable, disable], wanted);
  }
});

Deno.test("olderRoutesOf: as later releases tell them", () => {
  const routes = olderRoutesOf("7", ROWS);
  assertEquals(routes.availableRoutes.map(formatPrefix), [
    "10.244.1.0/24",
    "192.168.7.0/24",
    "10.9.0.0/16",
  ]);
  assertEquals(routes.approvedRoutes.map(formatPrefix), [
    "192.168.7.0/24",
    "10.9.0.0/16",
    "10.8.0.0/16",
  ]);
  assertEquals(routes.subnetRoutes.map(formatPrefix), ["192.168.7.0/24"]);
  assertEquals(routes.rows?.map(({ id }) => id), ["1", "2", "3", "4"]);
});
