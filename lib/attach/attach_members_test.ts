import { assertEquals, assertRejects } from "@std/assert";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import {
  printFailure,
  printResult,
  type ShellPlugin,
  ShellPlugins,
} from "../../tests/fakes/shell_plugins.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { PluginError } from "../cni/codes.ts";
import { type Attachment, listAttachments } from "../store/attachments.ts";
import { attach } from "./attach.ts";

/** ADD of a chain of plugins of shell: what was answered, what they were called for, what is recorded. */
async function addChain(node: TracedNode, plugins: Readonly<Record<string, ShellPlugin>>) {
  const shell = await ShellPlugins.make(node, plugins);
  const chain = Object.keys(plugins).map((type) => ({ type }));
  const request = makeRequest("ADD", { plugins: chain }, { path: [shell.path] });
  let answer: unknown;
  await logged("error", async () => {
    answer = await attach(request, node.context).catch((error) => error);
  });
  const calls = await shell.takeCalls();
  const verbs = calls.map(({ verb, type }) => `${verb} ${type}`);
  return { answer, calls, verbs, recorded: await listRecorded(node) };
}

async function listRecorded(node: TracedNode): Promise<Attachment[]> {
  await using store = await node.openStore();
  return await store.read(listAttachments);
}

function typesOf(attachments: readonly Attachment[]) {
  return attachments.map(({ phase, members = [] }) => [phase, members.map(({ type }) => type)]);
}

Deno.test("attachMembers: each gets the result before it, and all are recorded", async () => {
  await using node = await TracedNode.make();
  const { calls, recorded } = await addChain(node, {
    one: { ADD: printResult("10.1.0.2/24") },
    two: { ADD: printResult("10.1.0.3/24") },
  });
  assertEquals(calls.map(({ config }) => config.prevResult), [
    undefined,
    { cniVersion: "1.1.0", ips: [{ address: "10.1.0.2/24" }] },
  ]);
  assertEquals(typesOf(recorded), [["added", ["one", "two"]]]);
  const result = JSON.stringify({ cniVersion: "1.1.0", ips: [{ address: "10.1.0.3/24" }] });
  assertEquals(JSON.stringify(recorded[0]?.result), result);
});

Deno.test("attachMembers: what cannot be undone is recorded with the member that failed", async () => {
  await using node = await TracedNode.make();
  const { answer, verbs, recorded } = await addChain(node, {
    one: { ADD: printResult("10.1.0.2/24") },
    two: { ADD: printFailure(42, "no"), DEL: printFailure(43, "not now") },
    three: {},
  });
  assertEquals(answer instanceof PluginError && answer.code, 42);
  assertEquals(verbs, ["ADD one", "ADD two", "DEL two", "DEL one"]);
  assertEquals(typesOf(recorded), [["adding", ["one", "two"]]]);
});

Deno.test("attachMembers: one that is busy is tried once more, after its DEL", async () => {
  await using node = await TracedNode.make();
  const { verbs, recorded } = await addChain(node, { one: { ADD: printFailure(11, "busy") } });
  assertEquals(verbs, ["ADD one", "DEL one", "ADD one", "DEL one"]);
  assertEquals(recorded, []);
});

Deno.test("attachMembers: one that cannot be started has nothing to undo", async () => {
  await using node = await TracedNode.make();
  const shell = await ShellPlugins.make(node, { one: {} });
  await Deno.chmod(`${shell.path}/one`, 0o644);
  const request = makeRequest("ADD", { plugins: [{ type: "one" }] }, { path: [shell.path] });
  await assertRejects(() => attach(request, node.context), Error, "Cannot start plugin");
  assertEquals(await listRecorded(node), []);
});
