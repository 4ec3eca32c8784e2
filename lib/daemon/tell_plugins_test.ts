import { assertEquals } from "@std/assert";
import { readNodeState } from "../attach/node_state.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { tellPlugins, untellPlugins } from "./tell_plugins.ts";

Deno.test("tellPlugins: what is told is of this boot, and of a daemon that runs", async () => {
  await using node = await TracedNode.make();
  const { context, context: { runDirectory } } = node;
  const told = (bootId: string) => readNodeState(runDirectory, bootId)?.problems;
  {
    using _told = untellPlugins(runDirectory);
    tellPlugins(context, ["no network"]);
    assertEquals([told("boot-2"), told("boot-3")], [["no network"], undefined]);
  }
  assertEquals(told("boot-2"), undefined);
  {
    using _told = untellPlugins(runDirectory); // that of one that said nothing
  }
});
