import { assertEquals } from "@std/assert";
import { chooseRole, type Invocation } from "./role.ts";

Deno.test("chooseRole: the file name wins, then the subcommand", () => {
  const rows: [string, string[], boolean, Invocation["role"], string[]][] = [
    ["/opt/cni/bin/headcni", [], true, "cni", []],
    ["/opt/cni/bin/headcni", [], false, "cni", []],
    ["file:///src/main.ts", [], true, "cni", []],
    ["headcni", ["cni"], true, "cni", []],
    ["headcni", ["ipam"], true, "ipam", []],
    ["headcni", ["ipam", "list"], false, "admin", ["ipam", "list"]],
    ["headcni", ["status"], true, "admin", ["status"]],
    ["headcni", ["status", "--json"], false, "admin", ["status", "--json"]],
    ["headcni", ["--help"], false, "admin", ["--help"]],
    ["headcni", ["daemon", "--config=x"], false, "daemon", ["--config=x"]],
    ["headcni", ["--metrics-port=9090"], false, "daemon", ["--metrics-port=9090"]],
    ["headcni", ["--metrics-port", "9090"], false, "daemon", ["--metrics-port", "9090"]],
    ["/opt/cni/bin/headcni-ipam", [], true, "ipam", []],
    ["/opt/cni/bin/headcni-ipam", ["daemon"], true, "ipam", ["daemon"]],
    ["/opt/cni/bin/ipam-plugin", [], true, "ipam", []],
    ["/opt/cni/bin/ipam-cni", [], true, "cni", []],
    ["/opt/cni/bin/loopback", [], true, "loopback", []],
    ["./headcni-daemon", ["status"], false, "daemon", ["status"]],
    ["/opt/headcni-ipam/other", [], true, "cni", []],
  ];
  for (const [program, args, isPluginCall, role, rest] of rows) {
    assertEquals(chooseRole(program, args, isPluginCall), { role, args: rest }, program);
  }
});
