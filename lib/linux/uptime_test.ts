import { assert } from "@std/assert";
import { readUptimeMs } from "./uptime.ts";

Deno.test({
  name: "readUptimeMs: is the running time of the kernel, and never goes back",
  ignore: Deno.build.os !== "linux",
  fn() {
    const before = readUptimeMs();
    assert(before > 0);
    assert(before >= Deno.osUptime() * 1_000 - 1_000);
    assert(readUptimeMs() >= before);
  },
});
