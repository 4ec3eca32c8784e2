import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { parseEnvironment, parseVerb } from "./environment.ts";
import type { Verb } from "./request.ts";

const FULL = {
  CNI_CONTAINERID: "0a613aac",
  CNI_NETNS: "/run/netns/a",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web",
  CNI_PATH: "/opt/cni/bin::/usr/lib/cni",
};

Deno.test("parseVerb: knows the verbs of the specification and no other", () => {
  for (const verb of ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const) {
    assertEquals(parseVerb(verb), verb);
  }
  for (const command of ["NOPE", "add", " ADD", "constructor"]) {
    const error = assertThrows(() => parseVerb(command), ConfigError);
    assertEquals(error.message, `unknown CNI_COMMAND: ${command}`);
    assertEquals(error.reason, "invalid-environment");
  }
});

Deno.test("parseEnvironment: gives each verb what it has", () => {
  const common = {
    argsText: FULL.CNI_ARGS,
    args: new Map([["IgnoreUnknown", "1"], ["K8S_POD_NAME", "web"]]),
    pod: { name: "web" },
    path: ["/opt/cni/bin", "/usr/lib/cni"],
  };
  const attachment = { containerId: "0a613aac", netns: "/run/netns/a", ifname: "eth0" };
  for (const verb of ["ADD", "DEL", "CHECK"] as const) {
    assertEquals(parseEnvironment(FULL, verb), { ...common, ...attachment });
  }
  for (const verb of ["GC", "STATUS"] as const) {
    assertEquals(parseEnvironment({ ...FULL, CNI_CONTAINERID: "../x" }, verb), {
      ...common,
      containerId: "",
      netns: "",
      ifname: "",
    });
  }
});

Deno.test("parseEnvironment: names all missing variables at once, in order", () => {
  const rows: [Verb, Record<string, string>, string][] = [
    ["ADD", {}, "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["ADD", { CNI_CONTAINERID: "a" }, "CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["ADD", { ...FULL, CNI_NETNS: "" }, "CNI_NETNS"],
    ["CHECK", {}, "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["DEL", {}, "CNI_CONTAINERID,CNI_IFNAME,CNI_PATH"],
    ["GC", {}, "CNI_PATH"],
  ];
  for (const [verb, env, missing] of rows) {
    const error = assertThrows(() => parseEnvironment(env, verb), ConfigError);
    assertEquals(error.message, `required env variables [${missing}] missing`);
    assertEquals(error.reason, "invalid-environment");
  }
});

Deno.test("parseEnvironment: DEL needs no namespace, STATUS needs nothing", () => {
  assertEquals(parseEnvironment({ ...FULL, CNI_NETNS: "" }, "DEL").netns, "");
  assertEquals(parseEnvironment({}, "STATUS").path, []);
});

Deno.test("parseEnvironment: refuses container ids that could not name a file", () => {
  for (
    const [id, message] of [
      ["../../etc", "invalid characters in containerID"],
      ["a/b", "invalid characters in containerID"],
      [".hidden", "invalid characters in containerID"],
      ["-a", "invalid characters in containerID"],
      ["a b", "invalid characters in containerID"],
      ["a\n", "invalid characters in containerID"],
      ["\u00e9", "invalid characters in containerID"],
      ["a".repeat(300), "containerID is too long"],
    ] as const
  ) {
    const env = { ...FULL, CNI_CONTAINERID: id };
    const error = assertThrows(() => parseEnvironment(env, "ADD"), ConfigError);
    assertEquals(error.message, message);
    assertEquals(error.reason, "invalid-environment");
  }
  const longest = { ...FULL, CNI_CONTAINERID: "a".repeat(255) };
  assertEquals(parseEnvironment(longest, "ADD").containerId.length, 255);
});

Deno.test("parseEnvironment: refuses interface names that the kernel refuses", () => {
  const special = "interface name contains / or : or whitespace characters";
  for (
    const [name, message] of [
      ["sixteen-bytes-xx", "interface name is too long"],
      ["\u00e9".repeat(8), "interface name is too long"],
      [".", "interface name is . or .."],
      ["..", "interface name is . or .."],
      ["a/b", special],
      ["a:b", special],
      ["a b", special],
      ["a\t", special],
    ] as const
  ) {
    const env = { ...FULL, CNI_IFNAME: name };
    const error = assertThrows(() => parseEnvironment(env, "ADD"), ConfigError);
    assertEquals([error.message, error.details], [message, name]);
  }
  assertEquals(
    parseEnvironment({ ...FULL, CNI_IFNAME: "fifteen-bytes-x" }, "ADD").ifname.length,
    15,
  );
});

Deno.test("parseEnvironment: malformed arguments keep no DEL from its work", () => {
  const env = { ...FULL, CNI_ARGS: "nonsense;OTHER=x;K8S_POD_NAME=web" };
  assertThrows(() => parseEnvironment(env, "ADD"), ConfigError, "CNI_ARGS");
  assertThrows(() => parseEnvironment(env, "CHECK"), ConfigError, "CNI_ARGS");
  assertEquals(parseEnvironment(env, "DEL").pod, { name: "web" });
});
