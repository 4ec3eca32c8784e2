/** `headcni status` of a node on which all is well, and of one whose runtime disagrees. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { VERSION } from "../../lib/version.ts";
import { assertGolden } from "../cli/golden.ts";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { parseStatus } from "../cli/status_schema.ts";
import { settingsPath, TestDaemon } from "./daemon.ts";
import { InstalledPlugin } from "./installed_plugin.ts";
import { nodeTest, type TestNode } from "./plugin.ts";

const INFO = fromFileUrl(new URL("../fixtures/admin/crictl-info.json", import.meta.url));

/** A containerd that nobody answers for, and a crictl that runs a script of the shell. */
async function placeRuntime(node: TestNode, script: string): Promise<Disposable> {
  const folder = `${node.root}/machine/run/containerd`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.mkdir(`${node.root}/tools`, { recursive: true });
  const text = `#!/bin/sh\n[ "$*" = "--timeout 2s info" ] || exit 9\n${script}\n`;
  await Deno.writeTextFile(`${node.root}/tools/crictl`, text, { mode: 0o755 });
  return Deno.listen({ transport: "unix", path: `${folder}/containerd.sock` });
}

function status(node: TestNode, ...args: string[]): Promise<ProgramOutcome> {
  return runProgram({
    enter: node.enter,
    executable: node.plugin,
    args: ["status", ...args],
    env: {
      ...node.environment,
      PATH: `${node.root}/tools:${Deno.env.get("PATH")}`,
      HEADCNI_CONFIG: settingsPath(node),
      HEADCNI_HOST_ROOT: `${node.root}/machine`,
    },
  });
}

nodeTest("headcni status: a node that is fully up", async (node) => {
  await using daemon = await TestDaemon.start(node);
  using _runtime = await placeRuntime(
    node,
    `[ "$CONTAINER_RUNTIME_ENDPOINT" = "unix://${node.root}/machine/run/containerd/containerd.sock" ] ` +
      `&& cat ${INFO}`,
  );
  const plugin = await InstalledPlugin.read(node);
  const pod = await node.makePod();
  await plugin.add(pod);
  const { code, stdout, stderr } = await status(node, "--pods");
  assertEquals([code, stderr], [0, ""]);
  const json = await status(node, "--output", "json");
  const told = parseStatus(json.stdout);
  const [attachment] = told.stores[0]?.attachments ?? [];
  await assertGolden(
    "status-up",
    stdout.replace(/running for \d+s/, "running for AGE")
      .replace(/ \d+s$/m, " AGE"),
    {
      ROOT: node.root,
      RELEASE: VERSION,
      PID: String(daemon.pid),
      CONTAINERID: pod.name.slice(0, 12),
      HOSTLINK: attachment?.hostLink ?? "",
    },
  );
  assertEquals([told.daemon.ready, told.daemon.pid, told.podCidr.source], [
    true,
    daemon.pid,
    "config",
  ]);
  assertEquals([told.conflists[0]?.state, told.runtimes[0]?.network], ["ours", "headcni"]);
  await plugin.del(pod);
});

nodeTest("headcni status: a runtime that fails, or says that it has no network", async (node) => {
  using _runtime = await placeRuntime(node, "echo first >&2; echo 'it hangs' >&2; exit 1");
  const failed = await status(node, "--output", "json");
  const { runtimes: [runtime], unseen } = parseStatus(failed.stdout);
  assertEquals([failed.code, runtime?.networkReady], [1, null]);
  assertStringIncludes(unseen.join(), "by crictl: it hangs");
  const info = JSON.parse(await Deno.readTextFile(INFO));
  info.status.conditions[1] = {
    ...{ type: "NetworkReady", status: false, reason: "NetworkPluginNotReady" },
    message: "Network plugin returns error: cni plugin not initialized",
  };
  info.cniconfig.Networks = null;
  await Deno.writeTextFile(`${node.root}/tools/info.json`, JSON.stringify(info));
  await Deno.writeTextFile(
    `${node.root}/tools/crictl`,
    `#!/bin/sh\ncat ${node.root}/tools/info.json\n`,
  );
  const { stdout } = await status(node);
  assertStringIncludes(
    stdout,
    "containerd.sock: network not ready: Network plugin returns error: cni plugin not initialized\n",
  );
});
