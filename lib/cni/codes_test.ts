import { assert, assertEquals } from "@std/assert";
import { ConfigError, KernelError } from "../errors.ts";
import { ERROR_CODES, errorObject, PluginError } from "./codes.ts";

Deno.test("ERROR_CODES: only the two faults of the store share a code, and 108 stays free", () => {
  const { "store-damaged": damaged, ...rest } = ERROR_CODES;
  const codes = Object.values(rest);
  assertEquals(new Set(codes).size, codes.length);
  assertEquals(damaged, rest["store-failure"]);
  assert(!codes.includes(108));
});

Deno.test("errorObject: takes the code of the reason", () => {
  const error = new ConfigError("invalid-config", "Cannot use x", { details: "because" });
  assertEquals(errorObject(error, "0.4.0"), {
    cniVersion: "0.4.0",
    code: 7,
    msg: "Cannot use x",
    details: "because",
  });
});

Deno.test("errorObject: an error that is not ours is 999 with its text", () => {
  for (
    const [thrown, msg] of [
      [new RangeError("Maximum call stack size exceeded"), "Maximum call stack size exceeded"],
      ["a text", "a text"],
      [undefined, "undefined"],
      [{ toString: () => "an object" }, "an object"],
      [new Error(""), "Cannot go on: an error without a text"],
    ] as const
  ) {
    assertEquals(errorObject(thrown, "1.0.0"), { cniVersion: "1.0.0", code: 999, msg });
  }
});

Deno.test("errorObject: causes that the message does not tell become details", () => {
  const root = new Error("disk is full");
  const middle = new Error("commit failed: disk is full", { cause: root });
  const error = new KernelError("write", 28, "Cannot write lease", { cause: middle });
  assertEquals(errorObject(error, "1.1.0").details, "commit failed: disk is full");
});

Deno.test("errorObject: a ring of causes ends", () => {
  const error = new Error("round");
  error.cause = new Error("and", { cause: error });
  assertEquals(errorObject(error, "1.1.0").details, "and");
});

Deno.test("errorObject: the error of another plugin keeps its code and details and gets its name", () => {
  const error = new PluginError("host-local", {
    code: 1234,
    msg: "no room",
    details: "10.0.0.0/30",
  });
  assertEquals(errorObject(error, "1.0.0"), {
    cniVersion: "1.0.0",
    code: 1234,
    msg: 'Cannot run plugin "host-local": no room',
    details: "10.0.0.0/30",
  });
});
