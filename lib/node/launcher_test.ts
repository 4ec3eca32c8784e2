import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { launcherFolder, launcherText } from "./launcher.ts";

Deno.test("launcherText: shell up to the second line, then JavaScript", () => {
  assertEquals(
    launcherText("/opt/headcni"),
    "#!/bin/sh\n" +
      '":" //; DENO_DIR=/opt/headcni/cache DENO_NO_UPDATE_CHECK=1 exec /opt/headcni/libexec/deno run ' +
      "-A --unstable-kv --no-config --no-lock --v8-flags=--no-lazy,--lite-mode --ext=js " +
      '"$0" "$@"\n' +
      'import "/opt/headcni/libexec/plugin.js";\n',
  );
});

for (const prefix of ["relative", "/with space", "/with$dollar", "/with\\slash", '/with"quote']) {
  Deno.test(`launcherText: ${prefix} is refused`, () => {
    assertThrows(() => launcherText(prefix), ConfigError, "a shell would");
  });
}

Deno.test("launcherFolder: that of a launcher, and none of another script", () => {
  assertEquals(launcherFolder(launcherText("/opt/headcni/releases/1")), "/opt/headcni/releases/1");
  assertEquals(launcherFolder("#!/bin/sh\nexec true\n"), undefined);
  const mixed = launcherText("/opt/one").replace(
    "/opt/one/libexec/plugin.js",
    "/opt/two/plugin.js",
  );
  assertEquals(launcherFolder(mixed), undefined);
});
