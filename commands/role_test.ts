import { assertEquals } from "@std/assert";
import { chooseRole, type Invocation, isPluginRole } from "./role.ts";

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
    ["headcni", ["--metrics-path=/m"], false, "daemon", ["--metrics-path=/m"]],
    ["headcni", ["--metrics-portal"], false, "admin", ["--metrics-portal"]],
    ["/opt/cni/bin/headcni-ipam", [], true, "ipam", []],
    ["/opt/cni/bin/headcni-ipam", ["daemon"], true, "ipam", ["daemon"]],
    ["/opt/cni/bin/ipam-plugin", [], true, "ipam", []],
    ["/opt/cni/bin/ipam-cni", [], true, "cni", []],
    ["/opt/cni/bin/loopback", [], true, "loopback", []],
    ["./headcni-daemon", ["status"], false, "daemon", ["status"]],
    ["/opt/headcni-ipam/other", [], true, "cni", []],
  ];
  for (const [program, args, isPluginCall, role, rest] of rows) {
    const env = { CNI_COMMAND: isPluginCall ? "ADD" : undefined };
    assertEquals(chooseRole(program, args, env), { role, args: rest }, program);
  }
});

Deno.test("chooseRole: a plugin of any name checks a store when its environment says so", () => {
  for (const program of ["headcni", "headcni-ipam", "headcni-daemon", "file:///src/main.ts"]) {
    const env = { CNI_COMMAND: "ADD", HEADCNI_ROLE: "store-check" };
    assertEquals(chooseRole(program, ["file"], env), { role: "store-check", args: ["file"] });
  }
  assertEquals(chooseRole("headcni-ipam", [], { HEADCNI_ROLE: "admin" }).role, "ipam");
});

Deno.test("isPluginRole: tells roles that a runtime calls from programs", () => {
  const roles = ["cni", "ipam", "loopback", "daemon", "admin", "store-check"] as const;
  assertEquals(roles.filter(isPluginRole), ["cni", "ipam", "loopback"]);
});
