import { assertEquals, assertRejects } from "@std/assert";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { printFailure, ShellPlugins } from "../../tests/fakes/shell_plugins.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { PluginError } from "../cni/codes.ts";
import { deleteMembers, nativeRequest } from "./members.ts";

const MEMBERS = ["one", "two", "three"]
  .map((type) => ({ kind: "plugin" as const, type, config: { name: "pods", mark: type } }));

Deno.test("deleteMembers: the last first, each with the result of all", async () => {
  await using node = await TracedNode.make();
  const shell = await ShellPlugins.make(node, { one: {}, two: {}, three: {} });
  const request = makeRequest("DEL", {}, { path: [shell.path] });
  await deleteMembers(MEMBERS, request, { ips: [] }, node.context);
  const calls = await shell.takeCalls();
  assertEquals(calls.map(({ verb, type }) => `${verb} ${type}`), [
    "DEL three",
    "DEL two",
    "DEL one",
  ]);
  assertEquals(calls[0]?.config, { name: "pods", mark: "three", prevResult: { ips: [] } });
});

Deno.test("deleteMembers: goes on after a failure, and fails as the last one did", async () => {
  await using node = await TracedNode.make();
  const fail = (code: number) => ({ DEL: printFailure(code, "not now") });
  const shell = await ShellPlugins.make(node, { one: {}, two: fail(42), three: fail(43) });
  const request = makeRequest("DEL", {}, { path: [shell.path] });
  const failing = () => deleteMembers(MEMBERS, request, undefined, node.context);
  await logged("error", async () => {
    assertEquals((await assertRejects(failing, PluginError)).code, 42);
  });
  assertEquals((await shell.takeCalls()).map(({ type }) => type), ["three", "two", "one"]);
});

Deno.test("nativeRequest: our own plugin gets its own configuration, and the result before it", () => {
  const request = makeRequest("ADD", {
    plugins: [],
    prevResult: { ips: [{ address: "10.1.0.9/24" }] },
  });
  const config = { name: "pods", type: "headcni", mtu: 1300 };
  const prevResult = { cniVersion: "1.1.0", ips: [{ address: "10.1.0.2/24" }] };
  const own = nativeRequest({ kind: "native", type: "headcni", config }, request, prevResult);
  assertEquals(own.config.raw, { ...config, prevResult });
  assertEquals(own.config.prevResult?.ips.length, 1);
  assertEquals([own.containerId, own.verb], ["c1", "ADD"]);
});
