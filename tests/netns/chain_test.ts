/** Several plugins in one configuration (`plugins`), with plugins of shell that note their calls. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type NetworkConfig, nodeTest, SUBNETS, type TestNode, type TestPod } from "./plugin.ts";
import {
  printFailure,
  printResult,
  type ShellPlugin,
  ShellPlugins,
} from "../fakes/shell_plugins.ts";

const OK: ShellPlugin = { ADD: printResult("10.1.0.2/24") };

function chain(plugins: readonly unknown[], keys: NetworkConfig = {}): NetworkConfig {
  return { cniVersion: "1.1.0", name: "pods", type: "headcni", plugins, ...keys };
}

/** One, two and so on, of which some behave otherwise. */
async function makeChain(node: TestNode, others: Readonly<Record<string, ShellPlugin>> = {}) {
  const shell = await ShellPlugins.make(node, { one: OK, two: OK, three: OK, ...others });
  const config = chain(["one", "two", "three"].map((type) => ({ type, mark: type })));
  return { shell, config, env: { CNI_PATH: shell.path } };
}

async function orderOf(shell: ShellPlugins): Promise<string[]> {
  return (await shell.takeCalls()).map(({ verb, type }) => `${verb} ${type}`);
}

nodeTest(
  "chain: members run in order, each with the result before it, and end in reverse",
  async (node) => {
    const { shell, config, env } = await makeChain(node, {
      two: { ADD: printResult("10.1.0.3/24") },
    });
    const pod = await node.makePod();
    const runtimeConfig = { portMappings: [{ hostPort: 80 }] };
    await node.unchangedBy([pod], async () => {
      const result = await node.add(pod, { ...config, runtimeConfig }, env);
      assertEquals(result.ips?.map(({ address }) => address), ["10.1.0.2/24"]);
      const added = await shell.takeCalls();
      assertEquals(added.map(({ verb, type }) => `${verb} ${type}`), [
        "ADD one",
        "ADD two",
        "ADD three",
      ]);
      const common = { name: "pods", cniVersion: "1.1.0", runtimeConfig };
      const result1 = { cniVersion: "1.1.0", ips: [{ address: "10.1.0.2/24" }] };
      const result2 = { cniVersion: "1.1.0", ips: [{ address: "10.1.0.3/24" }] };
      assertEquals(added.map(({ config }) => config), [
        { ...common, type: "one", mark: "one" },
        { ...common, type: "two", mark: "two", prevResult: result1 },
        { ...common, type: "three", mark: "three", prevResult: result2 },
      ]);
      // Without today's configuration: what ADD rendered counts.
      await node.del(pod, chain([{ type: "nobody" }]), env);
      const removed = await shell.takeCalls();
      assertEquals(removed.map(({ verb, type }) => `${verb} ${type}`), [
        "DEL three",
        "DEL two",
        "DEL one",
      ]);
      assertEquals(removed.map(({ netns, config }) => [netns, config]), [
        [pod.path, { ...common, type: "three", mark: "three", prevResult: result1 }],
        [pod.path, { ...common, type: "two", mark: "two", prevResult: result1 }],
        [pod.path, { ...common, type: "one", mark: "one", prevResult: result1 }],
      ]);
    });
  },
);

nodeTest("chain: members of the oldest versions get the result before them too", async (node) => {
  const result = { cniVersion: "0.2.0", ip4: { ip: "10.1.0.2/24" } };
  const printing: ShellPlugin = { ADD: `echo '${JSON.stringify(result)}'` };
  const { shell, config, env } = await makeChain(node, {
    one: printing,
    two: printing,
    three: printing,
  });
  const pod = await node.makePod();
  const old = { ...config, cniVersion: "0.2.0" };
  await node.unchangedBy([pod], async () => {
    assertEquals((await node.add(pod, old, env)).ip4, { ip: "10.1.0.2/24" });
    await node.del(pod, old, env);
  });
  const calls = await shell.takeCalls();
  assertEquals(calls.map(({ verb, type, config }) => [`${verb} ${type}`, config.prevResult]), [
    ["ADD one", undefined],
    ["ADD two", result],
    ["ADD three", result],
    ["DEL three", result],
    ["DEL two", result],
    ["DEL one", result],
  ]);
});

nodeTest(
  "chain: a member that fails is undone with those before it, whichever it is",
  async (node) => {
    const failing: ShellPlugin = { ADD: printFailure(42, "cannot do it") };
    const expected: Record<string, string[]> = {
      one: ["ADD one", "DEL one"],
      two: ["ADD one", "ADD two", "DEL two", "DEL one"],
      three: ["ADD one", "ADD two", "ADD three", "DEL three", "DEL two", "DEL one"],
    };
    const pod = await node.makePod();
    for (const [type, calls] of Object.entries(expected)) {
      const { shell, config, env } = await makeChain(node, { [type]: failing });
      await node.unchangedBy([pod], async () => {
        const text = await node.fail({ verb: "ADD", pod, config, env }, 42);
        assertStringIncludes(text, `Cannot run plugin "${type}": cannot do it`);
      });
      assertEquals(await orderOf(shell), calls);
    }
  },
);

nodeTest(
  "chain: DEL goes on after a failure, reports it, and is repeated until all is done",
  async (node) => {
    for (const type of ["one", "two", "three"]) {
      const { shell, config, env } = await makeChain(node, {
        [type]: { ...OK, DEL: printFailure(43, "not now") },
      });
      const pod = await node.makePod();
      await node.unchangedBy([pod], async () => {
        await node.add(pod, config, env);
        const text = await node.fail({ verb: "DEL", pod, config, env }, 43);
        assertStringIncludes(text, `Cannot run plugin "${type}": not now`);
        const all = ["DEL three", "DEL two", "DEL one"];
        assertEquals((await orderOf(shell)).slice(-3), all);
        await makeChain(node);
        await node.del(pod, config, env);
        assertEquals(await orderOf(shell), all);
      });
    }
  },
);

nodeTest("chain: of several failed DELs the last is reported", async (node) => {
  const { config, env } = await makeChain(node, {
    one: { ...OK, DEL: printFailure(41, "first") },
    three: { ...OK, DEL: printFailure(43, "third") },
  });
  const pod = await node.makePod();
  await node.add(pod, config, env);
  await node.fail({ verb: "DEL", pod, config, env }, 41);
});

nodeTest("chain: an undo that fails leaves the work to DEL", async (node) => {
  const { config, env } = await makeChain(node, {
    one: { ...OK, DEL: printFailure(41, "not now") },
    two: { ADD: printFailure(42, "no") },
  });
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    await node.fail({ verb: "ADD", pod, config, env }, 42);
    const { shell } = await makeChain(node);
    await shell.takeCalls();
    await node.del(pod, config, env);
    assertEquals(await orderOf(shell), ["DEL two", "DEL one"]);
  });
});

nodeTest("chain: a member that is busy is tried once more, after its DEL", async (node) => {
  const busyOnce = `test -e ${node.root}/tried && ${printResult("10.1.0.2/24")} || ` +
    `{ touch ${node.root}/tried; ${printFailure(11, "busy")}; }`;
  const { shell, config, env } = await makeChain(node, { two: { ADD: busyOnce } });
  const pod = await node.makePod();
  await node.add(pod, config, env);
  const once = ["ADD one", "ADD two", "DEL two", "ADD two", "ADD three"];
  assertEquals(await orderOf(shell), once);
  await node.del(pod, config, env);
  const always = await makeChain(node, { two: { ADD: printFailure(11, "busy") } });
  await always.shell.takeCalls();
  await node.fail({ verb: "ADD", pod, config, env }, 11);
  const twice = ["ADD one", "ADD two", "DEL two", "ADD two", "DEL two", "DEL one"];
  assertEquals(await orderOf(always.shell), twice);
});

nodeTest("chain: what a killed ADD had begun is undone by DEL", async (node) => {
  // The plugin kills the program that called it, and goes on.
  const killing = `kill -9 $PPID; exec sleep 1000`;
  const { shell, config, env } = await makeChain(node, { two: { ADD: killing } });
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    const { code } = await node.call({ verb: "ADD", pod, config, env });
    assertEquals(code, 137);
    await node.del(pod, config, env);
    assertEquals(await orderOf(shell), ["ADD one", "ADD two", "DEL two", "DEL one"]);
  });
  await assertNoneRuns(pod);
});

nodeTest("headcni: an IPAM plugin that outlived a killed ADD ends with DEL", async (node) => {
  const shell = await ShellPlugins.make(node, { own: { ADD: `kill -9 $PPID; exec sleep 1000` } });
  const env = { CNI_PATH: shell.path };
  const config = { cniVersion: "1.1.0", name: "pods", type: "headcni", ipam: { type: "own" } };
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    const { code } = await node.call({ verb: "ADD", pod, config, env });
    assertEquals(code, 137);
    await node.del(pod, config, env);
    assertEquals(await orderOf(shell), ["ADD own", "DEL own"]);
  });
  await assertNoneRuns(pod);
});

nodeTest("chain: our own plugin is a member like others", async (node) => {
  const ipam = { type: "headcni-ipam", ranges: [[{ subnet: SUBNETS[4] }]] };
  const shell = await ShellPlugins.make(node, {
    after: { ADD: printResult("10.9.0.2/24"), DEL: "ip link show type veth" },
    failing: { ADD: printFailure(42, "no") },
  });
  const env = { CNI_PATH: shell.path };
  await node.warmUp(chain([{ type: "headcni", ipam }]));
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    const config = chain([{ type: "headcni", ipam }, { type: "after" }]);
    await node.add(pod, config, env);
    await pod.run("ping", "-n", "-q", "-c", "1", "-W", "5", "10.9.0.1");
    const [after] = await shell.takeCalls();
    const { interfaces, ips } = Object(after?.config.prevResult);
    assertEquals([interfaces.length, ips[0].address], [3, "10.9.0.3/24"]);
    await node.del(pod, config, env);
    assertEquals(await orderOf(shell), ["DEL after"]);
    const doomed = chain([{ type: "headcni", ipam }, { type: "failing" }]);
    await node.fail({ verb: "ADD", pod, config: doomed, env }, 42);
  });
});

nodeTest(
  "chain: our own plugin goes on with what others did, and checks its part",
  async (node) => {
    const ipam = { type: "headcni-ipam", ranges: [[{ subnet: SUBNETS[4] }]] };
    const shell = await ShellPlugins.make(node, {
      before: { ADD: `echo '{"cniVersion":"1.1.0","interfaces":[{"name":"up0"}]}'` },
    });
    const env = { CNI_PATH: shell.path };
    const config = chain([{ type: "before" }, { type: "headcni", ipam }]);
    const pod = await node.makePod();
    const prevResult = await node.add(pod, config, env);
    assertEquals(prevResult.interfaces?.length, 4);
    const check = { verb: "CHECK", pod, config: { ...config, prevResult }, env };
    await node.succeed(check);
    await pod.run("ip", "link", "set", "eth0", "down");
    assertStringIncludes(await node.fail(check, 109), "eth0");
    await node.del(pod, config, env);
  },
);

nodeTest("chain: STATUS, CHECK and GC reach every member", async (node) => {
  const { shell, config, env } = await makeChain(node, {
    two: { ...OK, STATUS: printFailure(50, "no room"), CHECK: printFailure(44, "differs") },
  });
  const pod = await node.makePod();
  assertStringIncludes(await node.fail({ verb: "STATUS", config, env }, 50), "no room");
  const prevResult = await node.add(pod, config, env);
  await shell.takeCalls();
  const check = { verb: "CHECK", pod, config: { ...config, prevResult }, env };
  assertStringIncludes(await node.fail(check, 44), `"two": differs`);
  assertEquals(await orderOf(shell), ["CHECK one", "CHECK two", "CHECK three"]);
  const valid = [{ containerID: pod.name, ifname: "eth0" }];
  const gc = { ...config, "cni.dev/valid-attachments": valid };
  await node.succeed({ verb: "GC", config: gc, env });
  const calls = await shell.takeCalls();
  assertEquals(calls.map(({ verb, type, config }) => [verb, type, config[GC_LIST]]), [
    ["GC", "one", valid],
    ["GC", "two", valid],
    ["GC", "three", valid],
  ]);
  await node.succeed({ verb: "GC", config: { ...config, [GC_LIST]: [] }, env });
  assertEquals((await orderOf(shell)).slice(0, 3), ["DEL three", "DEL two", "DEL one"]);
  assertEquals(await node.storeText(), "");
});

/** Key of GC's configuration: SPEC.md section 3. */
const GC_LIST = "cni.dev/valid-attachments";

nodeTest("chain: VERSION names what all members speak, where they can be asked", async (node) => {
  const speak = (...versions: string[]) =>
    `#!/bin/sh\necho '${JSON.stringify({ cniVersion: "1.0.0", supportedVersions: versions })}'\n`;
  await Deno.mkdir(`${node.root}/shell`);
  const config = chain([{ type: "one" }, { type: "headcni", delegate: { type: "two" } }]);
  for (
    const [type, versions] of [["one", ["0.4.0", "1.0.0"]], ["two", ["1.0.0", "1.1.0"]]] as const
  ) {
    await Deno.writeTextFile(`${node.root}/shell/${type}`, speak(...versions), { mode: 0o755 });
  }
  const ask = async (CNI_PATH: string) =>
    JSON.parse(await node.succeed({ verb: "VERSION", config, env: { CNI_PATH } }));
  assertEquals((await ask(`${node.root}/shell`)).supportedVersions, ["1.0.0"]);
  assertEquals((await ask("dummy")).supportedVersions.length, 7);
});

/** Fails when a process of an ADD for the pod is still there. */
async function assertNoneRuns(pod: TestPod): Promise<void> {
  for await (const { name } of Deno.readDir("/proc")) {
    const environment = await Deno.readTextFile(`/proc/${name}/environ`).catch(() => "");
    const isOfPod = environment.split("\0").includes(`CNI_CONTAINERID=${pod.name}`);
    assertEquals(isOfPod, false, `process ${name} goes on`);
  }
}
