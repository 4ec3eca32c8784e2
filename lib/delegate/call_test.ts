import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PluginError } from "../cni/codes.ts";
import { parseNetworkConfig } from "../cni/network_config.ts";
import type { Request } from "../cni/request.ts";
import { ClientError, ConfigError, errorText } from "../errors.ts";
import { callPlugin, NotStarted } from "./call.ts";

/** A directory for plugins of shell, removed after the test. */
async function withPlugins(
  plugins: Readonly<Record<string, string>>,
  test: (request: Request, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, script] of Object.entries(plugins)) {
      await Deno.writeTextFile(`${directory}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    await test(requestFor([`${directory}/none`, directory]), directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function requestFor(path: readonly string[]): Request {
  return {
    verb: "CHECK",
    containerId: "c1",
    netns: "/run/netns/none",
    ifname: "eth0",
    argsText: "IgnoreUnknown=1",
    args: new Map(),
    pod: {},
    path,
    config: parseNetworkConfig({ name: "pods" }, "1.0.0", "ADD"),
  };
}

Deno.test("callPlugin: ADD answers what the plugin printed", async () => {
  await withPlugins({ static: `cat; exit 0` }, async (request) => {
    const config = { name: "pods", ips: [{ address: "10.0.0.2/24" }] };
    assertEquals(await callPlugin({ type: "static", verb: "ADD", request, config }), config);
    assertEquals(
      await callPlugin({ type: "static", verb: "DEL", request, config }),
      undefined,
    );
  });
});

Deno.test("callPlugin: the plugin inherits our environment with the request's variables", async () => {
  const script =
    `cat >/dev/null; echo "[\\"$CNI_COMMAND\\",\\"$CNI_CONTAINERID\\",\\"$CNI_NETNS\\",` +
    `\\"$CNI_IFNAME\\",\\"$CNI_ARGS\\",\\"$CNI_PATH\\",\\"$PATH\\"]"`;
  await withPlugins({ echo: script }, async (request, directory) => {
    const answer = await callPlugin({ type: "echo", verb: "ADD", request, config: {} });
    assertEquals(answer, [
      "ADD",
      "c1",
      "/run/netns/none",
      "eth0",
      "IgnoreUnknown=1",
      `${directory}/none:${directory}`,
      Deno.env.get("PATH"),
    ]);
  });
});

Deno.test("callPlugin: the plugin's own error keeps its code, message and details", async () => {
  const script = `echo '{"code": 11, "msg": "busy", "details": "later"}'; exit 1`;
  await withPlugins({ failing: script }, async (request) => {
    const call = callPlugin({ type: "failing", verb: "ADD", request, config: {} });
    const error = await assertRejects(() => call, PluginError);
    assertEquals([error.code, error.plugin, error.details], [11, "failing", "later"]);
    assertEquals(error.message, 'Cannot run plugin "failing": busy');
  });
});

Deno.test("callPlugin: an error object counts as a failure whatever the exit code says", async () => {
  await withPlugins({ lying: `echo '{"code": 7, "msg": "no"}'` }, async (request) => {
    const call = callPlugin({ type: "lying", verb: "ADD", request, config: {} });
    const error = await assertRejects(() => call, PluginError, 'Cannot run plugin "lying": no');
    assertEquals(error.code, 7);
  });
});

Deno.test("callPlugin: an unreadable failure tells how the plugin ended and what it said", async () => {
  const rows: [string, string][] = [
    ["echo broken >&2; exit 3", "exit code 3 without an error object: broken"],
    ["echo text; exit 1", "exit code 1 without an error object: text"],
    ["exit 1", "exit code 1 without an error object: nothing was printed"],
    [`echo '{"code": "7"}'; exit 1`, 'exit code 1 without an error object: {"code": "7"}'],
    [`echo '{"code": 0}'; exit 1`, 'exit code 1 without an error object: {"code": 0}'],
    ["kill -9 $$", "ended by SIGKILL without an error object: nothing was printed"],
  ];
  for (const [script, text] of rows) {
    await withPlugins({ broken: script }, async (request) => {
      const call = callPlugin({ type: "broken", verb: "DEL", request, config: {} });
      const error = await assertRejects(() => call, ClientError);
      assertEquals(error.message, `Cannot run plugin "broken": ${text}`);
      assertEquals(error.reason, "delegate-failure");
    });
  }
});

Deno.test("callPlugin: ADD that prints no JSON fails although the plugin succeeded", async () => {
  for (const script of ["true", "echo hello", "yes | head -c 3000000"]) {
    await withPlugins({ mute: script }, async (request) => {
      const call = callPlugin({ type: "mute", verb: "ADD", request, config: {} });
      const error = await assertRejects(() => call, ClientError, "it printed no JSON");
      assertEquals(error.message.length < 1200, true);
    });
  }
});

Deno.test("callPlugin: a plugin that does not read a large configuration may succeed", async () => {
  await withPlugins({ deaf: "exec 0</dev/null; echo 1" }, async (request) => {
    const config = { name: "pods", padding: "x".repeat(1_000_000) };
    assertEquals(await callPlugin({ type: "deaf", verb: "ADD", request, config }), 1);
  });
});

Deno.test("callPlugin: kills a plugin that hangs, whoever else holds its output", async () => {
  const script = `sleep 1000 & echo "$$ $!" >"$0.pids"; trap '' TERM; wait`;
  await withPlugins({ hanging: script }, async (request, directory) => {
    const call = callPlugin({
      type: "hanging",
      verb: "DEL",
      request,
      config: {},
      deadlineMs: 300,
    });
    await assertRejects(() => call, ClientError, "no answer after 300 ms, so it was killed");
    const pids = (await Deno.readTextFile(`${directory}/hanging.pids`)).trim().split(" ");
    const [plugin, grandchild] = pids.map(Number);
    if (grandchild) Deno.kill(grandchild, "SIGKILL");
    await assertRejects(() => Deno.stat(`/proc/${plugin}`), Deno.errors.NotFound);
  });
});

Deno.test("callPlugin: what a plugin printed counts, whoever else holds its output", async () => {
  const script = `sleep 1000 & echo "$!" >"$0.pid"; echo '{"a":1}'`;
  await withPlugins({ leaving: script }, async (request, directory) => {
    const call = callPlugin({ type: "leaving", verb: "ADD", request, config: {} });
    assertEquals(await call, { a: 1 });
    Deno.kill(Number(await Deno.readTextFile(`${directory}/leaving.pid`)), "SIGKILL");
  });
});

Deno.test("callPlugin: waits for an executable that is just being replaced", async () => {
  await withPlugins({ busy: "echo 1" }, async (request, directory) => {
    const writer = await Deno.open(`${directory}/busy`, { write: true });
    const call = callPlugin({ type: "busy", verb: "ADD", request, config: {} });
    writer.close();
    assertEquals(await call, 1);
  });
});

Deno.test("callPlugin: a file that cannot be executed says so", async () => {
  await withPlugins({}, async (request, directory) => {
    await Deno.writeTextFile(`${directory}/data`, "no program", { mode: 0o644 });
    const call = callPlugin({ type: "data", verb: "ADD", request, config: {} });
    const error = await assertRejects(
      () => call,
      NotStarted,
      `Cannot start plugin "${directory}/data"`,
    );
    assertStringIncludes(errorText(error.cause), "ermission denied");
  });
});

Deno.test("callPlugin: finds plugins by bare name in CNI_PATH, and never ourselves", async () => {
  await withPlugins({ real: "echo 1" }, async (request, directory) => {
    await Deno.symlink("real", `${directory}/link`);
    await Deno.mkdir(`${directory}/folder`);
    const run = (type: string) => callPlugin({ type, verb: "ADD", request, config: {} });
    assertEquals(await run("link"), 1);
    for (const type of ["folder", "absent"]) {
      await assertRejects(() => run(type), ClientError, `Cannot find plugin "${type}"`);
    }
    for (const type of ["", ".", "..", "../real", "/bin/true", "a\0b"]) {
      await assertRejects(() => run(type), ConfigError, "a file name without a directory wanted");
    }
    for (const type of ["headcni", "headcni-ipam", "ipam-cni"]) {
      await assertRejects(() => run(type), ConfigError, "it would call itself");
    }
  });
});
