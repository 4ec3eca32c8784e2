import { assertEquals } from "@std/assert";
import { prefixes } from "../../tests/fakes/tailnet.ts";
import { parsePrefix } from "../net/prefix.ts";
import { approveCommand, listRoutesCommand } from "./approve_command.ts";

const ROUTE = parsePrefix("10.244.1.0/24");
const ALL = prefixes("192.168.7.0/24 10.244.1.0/24 192.168.7.0/24");
const LIST = "192.168.7.0/24,10.244.1.0/24";

Deno.test("approveCommand: that of the release, or both where it is not known", () => {
  const rows = [{ id: "3", prefix: ROUTE }, { id: "4", prefix: parsePrefix("10.9.0.0/16") }];
  assertEquals(
    approveCommand({ id: "7" }, ROUTE, ALL),
    `headscale nodes approve-routes -i 7 -r ${LIST}`,
  );
  assertEquals(approveCommand({ id: "7", rows }, ROUTE, ALL), "headscale routes enable -r 3");
  assertEquals(
    approveCommand({ id: "7", rows: rows.slice(1) }, ROUTE, ALL),
    "headscale routes enable -r <id of the route>",
  );
  assertEquals(
    approveCommand(undefined, ROUTE, ALL),
    `headscale nodes approve-routes -i <id of this node> -r ${LIST} ` +
      "(up to 0.25: headscale routes enable -r <id of the route>)",
  );
});

Deno.test("listRoutesCommand: that of the release", () => {
  assertEquals(listRoutesCommand({}), "headscale nodes list-routes");
  assertEquals(listRoutesCommand({ rows: [] }), "headscale routes list");
});
