import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  printFailure,
  printResult,
  type ShellPlugin,
  ShellPlugins,
} from "../../tests/fakes/shell_plugins.ts";
import { PluginError } from "../cni/codes.ts";
import { ConfigError } from "../errors.ts";
import { addNetwork, deleteNetwork, parseNetworkList } from "./network_list.ts";

const ATTACHMENT = { containerId: "c1", netns: "/proc/1/fd/9", ifname: "eth0", argsText: "" };

async function withList(
  plugins: Readonly<Record<string, ShellPlugin>>,
  test: (shell: ShellPlugins, list: ReturnType<typeof parseNetworkList>) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const shell = await ShellPlugins.make({ root }, plugins);
    const types = Object.keys(plugins).map((type) => ({ type, key: 1 }));
    const text = JSON.stringify({ name: "pods", cniVersion: "1.0.0", plugins: types });
    await test(shell, parseNetworkList(text, "05.conflist", [shell.path]));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("addNetwork, deleteNetwork: each plugin with the result before it, and back", async () => {
  const plugins = {
    headcni: { ADD: printResult("10.9.0.2/24") },
    tuning: { ADD: printResult("10.9.0.3/24") },
  };
  await withList(plugins, async (shell, list) => {
    const result = await addNetwork(list, ATTACHMENT);
    assertEquals(result, { cniVersion: "1.1.0", ips: [{ address: "10.9.0.3/24" }] });
    await deleteNetwork(list, ATTACHMENT, result);
    const calls = await shell.takeCalls();
    const address = ({ config }: typeof calls[number]) =>
      Object(config.prevResult).ips?.[0].address ?? "none";
    assertEquals(calls.map((call) => [call.verb, call.type, call.netns, address(call)]), [
      ["ADD", "headcni", "/proc/1/fd/9", "none"],
      ["ADD", "tuning", "/proc/1/fd/9", "10.9.0.2/24"],
      ["DEL", "tuning", "/proc/1/fd/9", "10.9.0.3/24"],
      ["DEL", "headcni", "/proc/1/fd/9", "10.9.0.3/24"],
    ]);
    assertEquals([calls[0]?.config.name, calls[0]?.config.key], ["pods", 1]);
  });
});

Deno.test("deleteNetwork: a plugin that fails keeps no other from its work", async () => {
  const plugins = { headcni: {}, tuning: { DEL: printFailure(7, "no") } };
  await withList(plugins, async (shell, list) => {
    await assertRejects(() => deleteNetwork(list, ATTACHMENT), PluginError, "no");
    assertEquals((await shell.takeCalls()).map(({ type }) => type), ["tuning", "headcni"]);
  });
});

Deno.test("parseNetworkList: a single plugin, and what no runtime could use", () => {
  const parse = (text: string) => parseNetworkList(text, "a.conf", []);
  const { plugins, cniVersion } = parse('{"name":"pods","type":"headcni"}');
  assertEquals([plugins.map(({ type }) => type), cniVersion], [["headcni"], "0.1.0"]);
  for (const text of ["{", "{}", '{"name":"a"}', '{"name":"a","plugins":[{}]}']) {
    assertThrows(() => parse(text), ConfigError, '"a.conf"');
  }
});
