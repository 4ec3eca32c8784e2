import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { PluginError } from "./codes.ts";
import { type Answer, answerCall, failure, type Handlers } from "./protocol.ts";
import type { Request } from "./request.ts";
import { parseResult } from "./result_codec.ts";
import { SPEC_VERSIONS } from "./version.ts";

const RESULT = parseResult({ ips: [{ address: "10.0.0.2/24" }] }, "test", "1.0.0");

const ENV = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/none",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};

/** Handlers that record what they were asked, and fail when told to. */
function recorder(fail?: unknown): Handlers & { seen: Request[] } {
  const seen: Request[] = [];
  const record = (request: Request) => {
    seen.push(request);
    return fail === undefined ? Promise.resolve() : Promise.reject(fail);
  };
  return {
    seen,
    ADD: async (request) => (await record(request), RESULT),
    DEL: record,
    CHECK: record,
    GC: record,
    STATUS: record,
  };
}

function call(
  command: string | undefined,
  config: unknown,
  handlers: Handlers = recorder(),
  env: Record<string, string> = ENV,
): Promise<Answer> {
  const bytes = new TextEncoder().encode(
    typeof config === "string" ? config : JSON.stringify(config),
  );
  return answerCall({
    env: { ...env, ...command !== undefined && { CNI_COMMAND: command } },
    readStdin: () => bytes,
    peekStdin: () => Promise.resolve(bytes),
  }, handlers);
}

Deno.test("answerCall: ADD prints a result in the caller's version", async () => {
  for (const cniVersion of SPEC_VERSIONS) {
    const answer = await call("ADD", { cniVersion, name: "pods" });
    assertEquals([answer.exitCode, answer.stderr], [0, ""]);
    assertEquals(JSON.parse(answer.stdout).cniVersion, cniVersion);
  }
});

Deno.test("answerCall: all other verbs succeed in silence", async () => {
  for (const verb of ["DEL", "CHECK", "GC", "STATUS"]) {
    const handlers = recorder();
    const answer = await call(verb, { cniVersion: "1.1.0", name: "pods" }, handlers);
    assertEquals(answer, { stdout: "", stderr: "", exitCode: 0 });
    assertEquals(handlers.seen.map((request) => request.verb), [verb]);
  }
});

Deno.test("answerCall: hands over environment and configuration", async () => {
  const handlers = recorder();
  await call("ADD", { cniVersion: "0.4.0", name: "pods", type: "headcni" }, handlers);
  const [request] = handlers.seen;
  assertEquals(
    [request?.containerId, request?.ifname, request?.config.name, request?.config.type],
    ["c1", "eth0", "pods", "headcni"],
  );
});

Deno.test("answerCall: every fault of the caller is one error object with its code", async () => {
  const good = { cniVersion: "1.0.0", name: "pods" };
  const rows: [string, unknown, Record<string, string>, number, string][] = [
    ["NOPE", good, ENV, 4, "unknown CNI_COMMAND: NOPE"],
    ["ADD", good, {}, 4, "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH]"],
    ["ADD", good, { ...ENV, CNI_CONTAINERID: "../x" }, 4, "invalid characters in containerID"],
    ["ADD", good, { ...ENV, CNI_ARGS: "x" }, 4, "CNI_ARGS"],
    ["ADD", "", ENV, 6, "standard input is empty"],
    ["ADD", "garbage", ENV, 6, "no JSON text"],
    ["DEL", "[]", ENV, 6, "an object wanted"],
    ["ADD", { ...good, name: "" }, ENV, 7, "missing network name"],
    ["ADD", { ...good, ipam: 5 }, ENV, 7, "ipam: an object wanted"],
    ["ADD", { ...good, cniVersion: "9.9.9" }, ENV, 1, "incompatible CNI versions"],
    ["STATUS", good, ENV, 1, "config version does not allow STATUS"],
    ["GC", { ...good, cniVersion: "x" }, ENV, 6, "cniVersion"],
  ];
  for (const [verb, config, env, code, text] of rows) {
    const handlers = recorder();
    const answer = await call(verb, config, handlers, env);
    const object = JSON.parse(answer.stdout);
    assertEquals([answer.exitCode, object.code], [1, code], text);
    assertStringIncludes(object.msg, text);
    assertMatch(object.cniVersion, /^1\.[01]\.0$/);
    assertEquals(handlers.seen, [], "nothing was done");
  }
});

Deno.test("answerCall: every fault of a handler is one error object with its code", async () => {
  const rows: [unknown, number][] = [
    [new HeadcniError("try-again", "Cannot lock the store"), 11],
    [new HeadcniError("pool-exhausted", "Cannot allocate"), 101],
    [new PluginError("static", { code: 7, msg: "no" }), 7],
    [new Error("unexpected"), 999],
    ["text", 999],
  ];
  for (const [thrown, code] of rows) {
    for (const verb of ["ADD", "DEL", "CHECK", "GC", "STATUS"]) {
      const config = { cniVersion: "1.1.0", name: "pods" };
      const answer = await call(verb, config, recorder(thrown));
      assertEquals([answer.exitCode, JSON.parse(answer.stdout).code], [1, code]);
    }
  }
});

Deno.test("answerCall: a stack overflow is an error object too", async () => {
  const dive = (): never => dive();
  const handlers = { ...recorder(), ADD: () => Promise.resolve(dive()) };
  const answer = await call("ADD", { name: "pods" }, handlers);
  const { cniVersion, code, msg } = JSON.parse(answer.stdout);
  assertEquals([cniVersion, code, msg], ["0.1.0", 999, "Maximum call stack size exceeded"]);
});

Deno.test("answerCall: unreadable standard input keeps the code of its reason", async () => {
  const answer = await answerCall({
    env: { ...ENV, CNI_COMMAND: "ADD" },
    readStdin: () => {
      throw new HeadcniError("io-failure", "error reading from stdin: closed");
    },
    peekStdin: () => Promise.resolve(new Uint8Array()),
  }, recorder());
  assertEquals(JSON.parse(answer.stdout).code, 5);
});

Deno.test("answerCall: undo of ADD is DEL of the same attachment", async () => {
  const handlers = recorder();
  const answer = await call("ADD", { name: "pods" }, handlers);
  await answer.undo?.();
  assertEquals(handlers.seen.map(({ verb, containerId }) => [verb, containerId]), [
    ["ADD", "c1"],
    ["DEL", "c1"],
  ]);
});

Deno.test("answerCall: an ADD whose result the version cannot express is undone", async () => {
  const recording = recorder();
  const handlers = {
    ...recording,
    ADD: async (request: Request) => ({ ...await recording.ADD(request), ips: [] }),
  };
  const answer = await call("ADD", { cniVersion: "0.2.0", name: "pods" }, handlers);
  assertEquals(JSON.parse(answer.stdout).msg, "cannot convert: no valid IP addresses");
  assertEquals(recording.seen.map(({ verb }) => verb), ["ADD", "DEL"]);
});

Deno.test("answerCall: an undo that fails does not hide why it was needed", async () => {
  const recording = recorder();
  const handlers = {
    ...recording,
    ADD: async (request: Request) => ({ ...await recording.ADD(request), ips: [] }),
    DEL: () => Promise.reject(new Error("the store is locked")),
  };
  const answer = await call("ADD", { cniVersion: "0.2.0", name: "pods" }, handlers);
  assertEquals(JSON.parse(answer.stdout).msg, "cannot convert: no valid IP addresses");
});

Deno.test("answerCall: VERSION echoes the caller's version and forgives everything", async () => {
  for (
    const [stdin, cniVersion] of [
      [{ cniVersion: "0.4.0" }, "0.4.0"],
      [{ cniVersion: "0.1.0" }, "0.1.0"],
      [{ cniVersion: "9.9.9" }, "1.1.0"],
      [{}, "1.1.0"],
      ["", "1.1.0"],
      ["garbage", "1.1.0"],
    ] as const
  ) {
    const dummies = { CNI_NETNS: "dummy", CNI_IFNAME: "dummy", CNI_PATH: "dummy", CNI_ARGS: "" };
    const answer = await call("VERSION", stdin, recorder(), dummies);
    assertEquals(answer.exitCode, 0);
    assertEquals(JSON.parse(answer.stdout), { cniVersion, supportedVersions: [...SPEC_VERSIONS] });
  }
});

Deno.test("answerCall: without a command tells people what this is", async () => {
  for (const command of [undefined, ""]) {
    const answer = await call(command, "");
    assertEquals([answer.stdout, answer.exitCode], ["", 0]);
    assertStringIncludes(
      answer.stderr,
      "\nCNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n",
    );
  }
});

Deno.test("failure: is the error object of whatever happened outside of a call", () => {
  const { stdout, exitCode } = failure(new Error("lost"));
  assertEquals([JSON.parse(stdout), exitCode], [
    { cniVersion: "1.1.0", code: 999, msg: "lost" },
    1,
  ]);
});
