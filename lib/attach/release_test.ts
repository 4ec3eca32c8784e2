import { assertEquals } from "@std/assert";
import { keyOf } from "../../tests/fakes/lease.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { printFailure, ShellPlugins } from "../../tests/fakes/shell_plugins.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { PluginError } from "../cni/codes.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { type Attachment, listAttachments, putAttachment } from "../store/attachments.ts";
import { release } from "./release.ts";

/** DEL of an attachment with one member; answers the calls of it, and whether a record is left. */
async function releaseRecorded(
  node: TracedNode,
  recorded: Partial<Attachment>,
  config: NetworkConfig["raw"] = {},
) {
  const shell = await ShellPlugins.make(node, {
    one: {},
    failing: { DEL: printFailure(42, "no") },
  });
  const attachment: Attachment = {
    ...{ key: keyOf("c1"), phase: "added", pod: {}, netns: "", bootId: "boot-2", createdMs: 0 },
    ...{ config: {}, members: [{ kind: "plugin", type: "one", config: { name: "pods" } }] },
    ...recorded,
  };
  const request = makeRequest("DEL", config, { path: [shell.path] });
  await using store = await node.openStore();
  await store.write((tx) => putAttachment(tx, attachment));
  const ending = { request, key: attachment.key, attachment, store };
  let failure: unknown;
  await logged(
    "error",
    () => release(ending, "unused", node.context).catch((error) => failure = error),
  );
  const left = await store.read(listAttachments);
  return { failure, calls: await shell.takeCalls(), left: left.length };
}

Deno.test("release: what ADD recorded is undone, whatever is configured now", async () => {
  await using node = await TracedNode.make();
  const result = { cniVersion: "1.1.0", ips: [] };
  const { calls, left } = await releaseRecorded(node, { result }, { plugins: [{ type: "other" }] });
  assertEquals(calls.map(({ verb, type }) => `${verb} ${type}`), ["DEL one"]);
  assertEquals(calls[0]?.config.prevResult, result);
  assertEquals(left, 0);
});

Deno.test("release: the runtime's result wins over the recorded one", async () => {
  await using node = await TracedNode.make();
  const [prevResult, result] = [{ cniVersion: "1.1.0", ips: [] }, { cniVersion: "0.4.0" }];
  const { calls } = await releaseRecorded(node, { result }, { prevResult });
  assertEquals(calls[0]?.config.prevResult, prevResult);
});

Deno.test("release: an attachment of which something stays is still recorded", async () => {
  await using node = await TracedNode.make();
  const members = [{ kind: "plugin" as const, type: "failing", config: {} }];
  const { failure, left } = await releaseRecorded(node, { members });
  assertEquals([failure instanceof PluginError, left], [true, 1]);
});

Deno.test("release: a namespace that the runtime does not name is the recorded one, if it is there", async () => {
  await using node = await TracedNode.make();
  for (const [netns, told] of [[node.addNetns("here"), node.addNetns("here")], [node.gone, ""]]) {
    const { calls } = await releaseRecorded(node, netns === undefined ? {} : { netns });
    assertEquals(calls[0]?.netns, told);
  }
});

Deno.test("release: an ADD that did not end is ended first", async () => {
  await using node = await TracedNode.make();
  const key = keyOf(`hct${crypto.randomUUID()}`);
  const env = { CNI_COMMAND: "ADD", CNI_CONTAINERID: key.containerId, CNI_IFNAME: key.ifname };
  const plugin = new Deno.Command("sleep", { args: ["1000"], env, stdin: "null" }).spawn();
  try {
    await releaseRecorded(node, { key, phase: "added" });
    await Deno.stat(`/proc/${plugin.pid}`);
    await releaseRecorded(node, { key, phase: "adding" });
  } finally {
    endIfAlive(plugin);
  }
  assertEquals((await plugin.status).signal, "SIGKILL");
});

function endIfAlive(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended.
  }
}
