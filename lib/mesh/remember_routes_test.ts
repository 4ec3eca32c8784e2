import { assertEquals } from "@std/assert";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { rememberRoutes } from "./remember_routes.ts";

const list = (text: string) => text.split(" ").filter((one) => one !== "").map(parsePrefix);

Deno.test("rememberRoutes: what is added is ours, what others advertised never becomes so", () => {
  const rows = [
    // ours, have, next: before, after
    ["", "", "10.9.0.0/24", "10.9.0.0/24", "10.9.0.0/24"],
    ["", "192.0.2.0/24", "192.0.2.0/24 10.9.0.0/24", "10.9.0.0/24", "10.9.0.0/24"],
    ["", "10.9.0.0/24", "10.9.0.0/24", "", ""],
    ["10.9.0.0/24", "10.9.0.0/24", "10.9.1.0/24", "10.9.0.0/24 10.9.1.0/24", "10.9.1.0/24"],
    ["10.9.0.0/24", "10.9.0.0/24 fd00::/64", "fd00::/64", "10.9.0.0/24", ""],
    ["10.9.0.0/24", "10.9.0.0/24", "10.9.0.0/24", "10.9.0.0/24", "10.9.0.0/24"],
  ] as const;
  for (const [ours, have, next, before, after] of rows) {
    const { before: first, after: last } = rememberRoutes(list(ours), list(have), list(next));
    assertEquals([first, last].map((each) => each.map(formatPrefix).join(" ")), [before, after]);
  }
});
