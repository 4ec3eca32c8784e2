import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { daemonUnitText } from "../../../lib/node/daemon_unit.ts";
import { withoutKeys } from "./backup.ts";

const path = "/etc/systemd/system/headcni.service";

Deno.test("withoutKeys: a unit with a key in a variable is refused, one that names a file is not", () => {
  const ours = { path, text: daemonUnitText("/opt/headcni/headcni", undefined) };
  const named = { path, text: "[Service]\nEnvironment=HEADSCALE_AUTH_KEY_FILE=/etc/headcni/key\n" };
  for (const unit of [null, ours, named]) assertEquals(withoutKeys(unit), unit);
  for (const line of ["Environment=HEADSCALE_AUTH_KEY=k", 'Environment="A=b" "TS_AUTHKEY=k"']) {
    const text = `[Service]\n${line}\nExecStart=/x\n`;
    const error = assertThrows(() => withoutKeys({ path, text }), ConfigError, "KEY stands in it");
    assertEquals(error.message.includes("=k"), false);
  }
});
