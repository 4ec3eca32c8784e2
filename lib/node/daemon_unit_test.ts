import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { daemonUnitText } from "./daemon_unit.ts";

Deno.test("daemonUnitText: the unit of README, with the path of the program and of other settings", () => {
  const lines = (text: string) => text.split("\n").filter((line) => line.startsWith("ExecStart="));
  assertEquals(lines(daemonUnitText("/opt/headcni/headcni")), [
    "ExecStart=/opt/headcni/headcni daemon",
  ]);
  assertEquals(lines(daemonUnitText("/opt/headcni/headcni", "/srv/a.yaml")), [
    "ExecStart=/opt/headcni/headcni daemon --config /srv/a.yaml",
  ]);
});

for (const path of ["/opt/a b", "/opt/%i", "/opt/$HOME", "relative"]) {
  Deno.test(`daemonUnitText: "${path}" is refused`, () => {
    assertThrows(() => daemonUnitText(path), ConfigError, "in a unit of systemd");
    assertThrows(() => daemonUnitText("/opt/x", path), ConfigError, "in a unit of systemd");
  });
}
