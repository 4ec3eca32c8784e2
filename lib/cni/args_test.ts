import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { parseArgs, podReference } from "./args.ts";

const STRICT = { strict: true };
const LENIENT = { strict: false };

Deno.test("parseArgs: reads pairs in any order", () => {
  for (
    const [text, pairs] of [
      ["", []],
      ["K8S_POD_NAME=a;K8S_POD_NAMESPACE=b", [["K8S_POD_NAME", "a"], ["K8S_POD_NAMESPACE", "b"]]],
      ["OTHER=x;IgnoreUnknown=1", [["OTHER", "x"], ["IgnoreUnknown", "1"]]],
      ["IgnoreUnknown=TRUE;OTHER=x", [["IgnoreUnknown", "TRUE"], ["OTHER", "x"]]],
      ["IP=10.0.0.7,fd00::7;MAC=", [["IP", "10.0.0.7,fd00::7"], ["MAC", ""]]],
    ] as const
  ) {
    assertEquals([...parseArgs(text, STRICT)], pairs.map(([key, value]) => [key, value]), text);
  }
});

Deno.test("parseArgs: refuses malformed pairs and keys that nobody knows", () => {
  for (
    const [text, seen] of [
      ["K8S_POD_NAME", '"K8S_POD_NAME" is no pair'],
      ["K8S_POD_NAME=a=b", '"K8S_POD_NAME=a=b" is no pair'],
      ["=a", '"=a" is no pair'],
      ["IgnoreUnknown=1;", '"" is no pair'],
      ["OTHER=x;MORE=y", "unknown keys OTHER, MORE"],
      ["OTHER=x;IgnoreUnknown=0", "unknown keys OTHER"],
    ] as const
  ) {
    const error = assertThrows(() => parseArgs(text, STRICT), ConfigError, seen);
    assertEquals(error.reason, "invalid-environment");
  }
});

Deno.test("parseArgs: when lenient takes what can be read", () => {
  assertEquals([...parseArgs("OTHER=x;;a=b=c;MAC=m", LENIENT)], [["OTHER", "x"], ["MAC", "m"]]);
});

for (const key of ["K8S_POD_NAME", "K8S_POD_NAMESPACE", "K8S_POD_UID"]) {
  Deno.test(`parseArgs: a ${key} longer than any name is refused, or left out`, () => {
    const longest = `${key}=${"\u00e9".repeat(126)}x`;
    assertEquals(parseArgs(longest, STRICT).size, 1);
    const seen = `Cannot use ${key} of CNI_ARGS: it has 254 bytes, 253 are allowed`;
    const error = assertThrows(() => parseArgs(`${longest}x`, STRICT), ConfigError, seen);
    assertEquals(error.reason, "invalid-environment");
    assertEquals([...parseArgs(`${longest}x;MAC=m`, LENIENT)], [["MAC", "m"]]);
  });
}

Deno.test("podReference: names the pod as far as the arguments do", () => {
  for (
    const [text, pod] of [
      ["", {}],
      ["K8S_POD_NAME=web;K8S_POD_NAMESPACE=", { name: "web" }],
      [
        "K8S_POD_UID=u;K8S_POD_NAME=web;K8S_POD_NAMESPACE=shop",
        { namespace: "shop", name: "web", uid: "u" },
      ],
    ] as const
  ) {
    assertEquals(podReference(parseArgs(text, STRICT)), pod);
  }
});
