import { assertEquals } from "@std/assert";
import { ShellPlugins } from "../../tests/fakes/shell_plugins.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { SPEC_VERSIONS } from "../cni/version.ts";
import { commonVersions } from "./versions.ts";

function speak(...versions: readonly string[]) {
  const answer = { cniVersion: "1.0.0", supportedVersions: versions };
  return { VERSION: `echo '${JSON.stringify(answer)}'` };
}

const PLUGINS = {
  bridge: speak("0.3.1", "0.4.0", "1.0.0"),
  one: speak("0.4.0", "1.0.0", "9.9.9"),
  mute: { VERSION: "exit 1" },
};

const rows: readonly [
  name: string,
  config: Record<string, unknown>,
  versions: readonly string[],
][] = [
  ["nobody else", { type: "headcni" }, SPEC_VERSIONS],
  ["a delegate", { delegate: { type: "one" } }, ["0.4.0", "1.0.0"]],
  ["a delegate without a type", { delegate: {} }, ["0.3.1", "0.4.0", "1.0.0"]],
  ["a delegate in a chain", { plugins: [{ type: "headcni", delegate: { type: "one" } }] }, [
    "0.4.0",
    "1.0.0",
  ]],
  ["several", { plugins: [{ type: "one" }, { type: "bridge" }] }, ["0.4.0", "1.0.0"]],
  ["one that does not answer", { plugins: [{ type: "mute" }, { type: "none" }] }, SPEC_VERSIONS],
];

for (const [name, config, versions] of rows) {
  Deno.test(`commonVersions: ${name}`, async () => {
    await using node = await TracedNode.make();
    const { path } = await ShellPlugins.make(node, PLUGINS);
    assertEquals(await commonVersions(config, [path]), versions);
    assertEquals(await commonVersions(config, ["/nonexistent"]), SPEC_VERSIONS);
  });
}
