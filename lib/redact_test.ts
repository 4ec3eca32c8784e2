import { assertEquals, assertMatch } from "@std/assert";
import { ConfigError, KernelError } from "./errors.ts";
import { redact } from "./redact.ts";

const rows: readonly [name: string, value: unknown, expected: unknown][] = [
  ["plain values stay", [1, "a", true, null, undefined], [1, "a", true, null, undefined]],
  ["a bigint is text", { value: 2n ** 64n }, { value: "18446744073709551616" }],
  ["bytes are hex", Uint8Array.of(0x0a, 0x58), "0a58"],
  ["a date is text", new Date(NaN), "Invalid Date"],
  ["a set is a list", new Set(["a"]), ["a"]],
  ["a map is an object", new Map([["a", 1n]]), { a: "1" }],
  ["an auth key", { authKey: "k" }, { authKey: "[redacted]" }],
  ["an API key in snake case", { headscale: { api_key: "k" } }, {
    headscale: { api_key: "[redacted]" },
  }],
  ["a name in parts", { pass_word: "k", auth__key: "k" }, {
    pass_word: "[redacted]",
    auth__key: "[redacted]",
  }],
  ["a header", { Authorization: "Bearer k" }, { Authorization: "[redacted]" }],
  ["a secret in a map", new Map([["TS_AUTH-KEY", "k"]]), { "TS_AUTH-KEY": "[redacted]" }],
  ["an object below the name of a secret", { token: { value: "k" } }, { token: "[redacted]" }],
  ["other keys stay", { key: "network/id/eth0", monkey: 1 }, { key: "network/id/eth0", monkey: 1 }],
  [
    "keys inside a text",
    "login with tskey-auth-kA1-b2, hskey-api-x_y and Bearer a.b-c failed",
    "login with tskey-[redacted], hskey-[redacted] and Bearer [redacted] failed",
  ],
  [
    "a password in a URL",
    "https://me:p@ss@host/a and http://host:80/a@b:c",
    "https://[redacted]@host/a and http://host:80/a@b:c",
  ],
  [
    "an error of ours",
    new ConfigError("invalid-config", "Cannot use it", { details: "d" }),
    { name: "ConfigError", message: "Cannot use it", reason: "invalid-config", details: "d" },
  ],
  [
    "a chain of causes",
    new KernelError("RTM_NEWLINK", 17, "Cannot add link", { cause: { seen: 1n } }),
    {
      name: "KernelError",
      message: "Cannot add link",
      reason: "kernel-failure",
      call: "RTM_NEWLINK",
      errno: 17,
      cause: { seen: "1" },
    },
  ],
];

for (const [name, value, expected] of rows) {
  Deno.test(`redact: ${name}`, () => assertEquals(redact(value), expected));
}

Deno.test("redact: another error shows where it comes from", () => {
  const copied = JSON.stringify(redact(new TypeError("boom")));
  assertMatch(copied, /^\{"name":"TypeError","message":"boom","stack":".*redact_test\.ts/);
});

Deno.test("redact: a cycle ends", () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  assertMatch(JSON.stringify(redact(loop)), /^(\{"self":){8}"\.\.\."\}{8}$/);
});
