import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { storeDirectory } from "./directory.ts";

Deno.test("storeDirectory: takes the strongest source that names one", () => {
  const cases: [unknown, unknown, string | undefined, string][] = [
    ["/a", "/b", "/c", "/a"],
    ["", "/b", "/c", "/b"],
    [undefined, null, "/c", "/c"],
    [undefined, undefined, "", "/var/lib/headcni"],
    [undefined, undefined, undefined, "/var/lib/headcni"],
  ];
  for (const [ipam, network, environment, want] of cases) {
    assertEquals(storeDirectory({ ipam, network, environment }), want);
  }
});

Deno.test("storeDirectory: refuses what is no absolute path", () => {
  for (const ipam of ["state", "./state", 7, ["/a"], {}]) {
    assertThrows(
      () => storeDirectory({ ipam, network: "/b", environment: undefined }),
      ConfigError,
      "an absolute path wanted",
    );
  }
});
