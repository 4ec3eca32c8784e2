import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../errors.ts";
import { settingsText } from "./answers.ts";

Deno.test("settingsText: single values become sections, and none is no file", () => {
  const values = [["network.mtu", "1400"], ["network.podCIDR.base", "10.42.0.0/16"]] as const;
  assertEquals(
    settingsText({ values }),
    'network:\n  mtu: "1400"\n  podCIDR:\n    base: 10.42.0.0/16\n',
  );
  assertEquals(settingsText({ values: [] }), undefined);
});

Deno.test("settingsText: a key itself is refused, for everybody sees a command line; its file is taken", () => {
  for (const key of ["headscale.authKey", "tailscale.authKey"]) {
    const error = assertThrows(() => settingsText({ values: [[key, "hs-key-7"]] }), ConfigError);
    assertEquals(
      error.message,
      `Cannot take "${key}" from a command line, which every user of this machine can see: write ` +
        `the key to a file of mode 0600, and name that by ${key}File`,
    );
  }
  const values = [["headscale.authKeyFile", "/etc/headcni/key"]] as const;
  assertEquals(settingsText({ values }), "headscale:\n  authKeyFile: /etc/headcni/key\n");
});
