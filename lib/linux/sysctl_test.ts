import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { readSysctl, writeSysctl } from "./sysctl.ts";

Deno.test("readSysctl: a value without its newline, undefined when there is none", () => {
  assertMatch(readSysctl(["kernel", "random", "boot_id"]) ?? "", /^[0-9a-f-]{36}$/);
  assertEquals(readSysctl(["net", "ipv4", "conf", "no.such.link", "arp_notify"]), undefined);
});

Deno.test("readSysctl, writeSysctl: refuse a part that leaves its folder", () => {
  for (const part of ["", ".", "..", "a/b"]) {
    const path = ["net", part];
    for (const touch of [() => readSysctl(path), () => writeSysctl(path, "1")]) {
      const error = assertThrows(touch, ConfigError);
      assertEquals(
        error.message,
        `Cannot use sysctl "net/${part}": "${part}" is no name of a sysctl`,
      );
    }
  }
});
