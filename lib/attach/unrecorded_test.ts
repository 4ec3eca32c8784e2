import { assertEquals, assertRejects } from "@std/assert";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { printFailure, ShellPlugins } from "../../tests/fakes/shell_plugins.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { PluginError } from "../cni/codes.ts";
import { deleteUnrecorded } from "./unrecorded.ts";

/** DEL by what an older plugin left in a file, if a type is given; answers the calls and the files. */
async function deleteOlder(
  older: string | undefined,
  plugins: readonly string[],
  isCertain = true,
) {
  await using node = await TracedNode.make();
  const shell = await ShellPlugins.make(node, {
    one: {},
    failing: { DEL: printFailure(42, "no") },
  });
  const dataDir = `${node.root}/older`;
  await Deno.mkdir(dataDir);
  await Deno.writeTextFile(`${dataDir}/c2`, "{}");
  if (older) await Deno.writeTextFile(`${dataDir}/c1`, JSON.stringify({ type: older }));
  const config = { dataDir, plugins: plugins.map((type) => ({ type })) };
  const request = makeRequest("DEL", config, { path: [shell.path] });
  let failure: unknown;
  await logged(
    "error",
    () => deleteUnrecorded(request, node.context, { isCertain }).catch((error) => failure = error),
  );
  const files = Array.from(Deno.readDirSync(dataDir), ({ name }) => name).sort();
  const calls = await shell.takeCalls();
  return { failure, files, calls: calls.map(({ verb, type }) => `${verb} ${type}`) };
}

Deno.test("deleteUnrecorded: what an older plugin recorded is undone, and its files go", async () => {
  const done = await deleteOlder("one", ["failing"]);
  assertEquals(done, { failure: undefined, files: ["c2"], calls: ["DEL one"] });
});

Deno.test("deleteUnrecorded: the file of an older plugin stays until its plugin is done", async () => {
  const { failure, ...rest } = await deleteOlder("failing", ["one"]);
  assertEquals(failure instanceof PluginError, true);
  assertEquals(rest, { files: ["c1", "c2"], calls: ["DEL failing"] });
});

Deno.test("deleteUnrecorded: members that nobody recorded are told, and may fail", async () => {
  const done = await deleteOlder(undefined, ["one", "failing"]);
  assertEquals(done, { failure: undefined, files: ["c2"], calls: ["DEL failing", "DEL one"] });
});

Deno.test("deleteUnrecorded: members must end where there may have been some", async () => {
  const { failure } = await deleteOlder(undefined, ["one", "failing"], false);
  assertEquals(failure instanceof PluginError, true);
});

Deno.test("deleteUnrecorded: an IPAM plugin that fails keeps DEL from ending", async () => {
  await using node = await TracedNode.make();
  const shell = await ShellPlugins.make(node, { failing: { DEL: printFailure(42, "no") } });
  const request = makeRequest("DEL", { ipam: { type: "failing" } }, { path: [shell.path] });
  await assertRejects(
    () => deleteUnrecorded(request, node.context, { isCertain: true }),
    PluginError,
  );
});
