import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import type { Verb } from "./request.ts";
import { answerVersion, isAtLeast, parseSpecVersion, SPEC_VERSIONS } from "./version.ts";

Deno.test("isAtLeast: follows the order of the releases", () => {
  assertEquals(isAtLeast("0.3.1", "0.3.0"), true);
  assertEquals(isAtLeast("1.0.0", "1.0.0"), true);
  assertEquals(isAtLeast("0.4.0", "1.0.0"), false);
});

Deno.test("parseSpecVersion: every verb with every version that has it", () => {
  const least: [Verb, number][] = [["ADD", 0], ["DEL", 0], ["CHECK", 4], ["GC", 6], ["STATUS", 6]];
  for (const [verb, first] of least) {
    SPEC_VERSIONS.forEach((cniVersion, at) => {
      if (at >= first) return assertEquals(parseSpecVersion({ cniVersion }, verb), cniVersion);
      const error = assertThrows(() => parseSpecVersion({ cniVersion }, verb), ConfigError);
      assertEquals(error.message, `config version does not allow ${verb}`);
      assertEquals(error.reason, "incompatible-version");
    });
  }
});

Deno.test("parseSpecVersion: absent means 0.1.0", () => {
  for (const config of [{}, { cniVersion: "" }, { cniVersion: null }, { cniVersion: undefined }]) {
    assertEquals(parseSpecVersion(config, "ADD"), "0.1.0");
  }
});

Deno.test("parseSpecVersion: membership is exact", () => {
  for (const cniVersion of ["1.0", "1", "1.2.0", "0.9.9", "v1.0.0", "1.0.0 ", "99.0.0", "nope"]) {
    const error = assertThrows(() => parseSpecVersion({ cniVersion }, "ADD"), ConfigError);
    assertEquals(error.message, "incompatible CNI versions");
    assertEquals(error.reason, "incompatible-version");
    assertEquals(
      error.details,
      `config is "${cniVersion}", plugin supports ` +
        `["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]`,
    );
  }
});

Deno.test("parseSpecVersion: tells apart too old, too new and no version at all", () => {
  for (
    const [verb, cniVersion, reason, message] of [
      ["CHECK", "0.3.9", "incompatible-version", "config version does not allow CHECK"],
      ["CHECK", "0.5.0", "incompatible-version", "incompatible CNI versions"],
      ["CHECK", "1.1.1", "incompatible-version", "plugin version does not allow CHECK"],
      ["GC", "1.0.9", "incompatible-version", "config version does not allow GC"],
      ["STATUS", "2", "incompatible-version", "plugin version does not allow STATUS"],
      [
        "STATUS",
        "broken",
        "decode-failure",
        'Cannot parse cniVersion "broken": a version such as "1.1.0" wanted',
      ],
      ["ADD", 1, "decode-failure", "Cannot parse cniVersion 1: text wanted"],
      ["ADD", false, "decode-failure", "Cannot parse cniVersion false: text wanted"],
    ] as const
  ) {
    const error = assertThrows(() => parseSpecVersion({ cniVersion }, verb), ConfigError);
    assertEquals([error.reason, error.message], [reason, message]);
  }
});

Deno.test("answerVersion: the caller's version, or our newest", () => {
  assertEquals(answerVersion({ cniVersion: "0.3.1" }), "0.3.1");
  assertEquals(answerVersion({}), "0.1.0");
  assertEquals(answerVersion({ cniVersion: "9.9.9" }), "1.1.0");
  assertEquals(answerVersion({ cniVersion: 5 }), "1.1.0");
});
