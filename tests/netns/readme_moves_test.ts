/** Does what README says to those who come from other plugins: their configuration, then ours. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "../cli/program.ts";
import { type PastedConfig, pastedConfigs, pastedFiles, writingFile } from "../fakes/readme.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingDebian } from "./debian.ts";
import { addressesOf, type AddResult, TestNode, type TestPod } from "./plugin.ts";
import { addList, delList } from "./plugin_list.ts";
import { emptyDirectories, type PrivateMounts } from "./private_mounts.ts";
import { keepResult } from "./results.ts";

const CHAPTER = "Coming from flannel, an older plugin, or bridge";
const FILES = pastedFiles(CHAPTER);
const LISTS = pastedConfigs(CHAPTER);

/** A node whose pods are those of other plugins. */
interface Move extends AsyncDisposable {
  readonly node: TestNode;
  readonly mounts: PrivateMounts;
}

async function beginMove(): Promise<Move> {
  await using owned = new AsyncDisposableStack();
  const node = owned.use(await TestNode.make());
  const mounts = owned.use(await emptyDirectories(node));
  await mounts.run(FILES.map(writingFile).join("\n"));
  const kept = owned.move();
  return { node, mounts, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** ADD by a list on a pod of its own, whose result is kept as runtimes do. */
async function start({ node, mounts }: Move, list: PastedConfig, role = "pod") {
  const pod = await node.makePod(role);
  const result = await addList({ node, list, pod, enter: mounts.enter });
  await keepResult(node, pod, list, result);
  return { pod, result, address: addressesOf(result)[0] };
}

async function stop(
  { node, mounts }: Move,
  list: PastedConfig,
  { pod, result }: { readonly pod: TestPod; readonly result: AddResult },
): Promise<void> {
  await delList({ node, list, pod, enter: mounts.enter }, result);
}

/** `headcni ipam import`, as the chapter has it. */
async function importLeases({ node, mounts }: Move, name: string, ...more: string[]) {
  const path = `/var/lib/cni/networks/${name}`;
  const { code, stderr } = await runProgram({
    enter: [...mounts.enter, "nsenter", `--net=${node.host.path}`],
    executable: node.plugin,
    args: ["ipam", "import", "--from", "host-local", path, ...more],
    env: node.environment,
  });
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
}

/** The addresses that host-local has given. */
async function hostLocalLeases({ mounts }: Move, name: string): Promise<string[]> {
  const text = await mounts.run(`ls /var/lib/cni/networks/${name}`);
  return text.split("\n").filter((line) => /^[0-9]/.test(line));
}

/** What flannel's plugin has done: Debian has none, but its delegate. */
function renderedByFlannel({ name, cniVersion }: PastedConfig): PastedConfig {
  return {
    ...{ name, cniVersion, type: "bridge", mtu: 1450, ipMasq: false, isGateway: true },
    ...{ hairpinMode: true, forceAddress: true, isDefaultGateway: true },
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.42.1.0/24" }]],
      routes: [{ dst: "10.42.0.0/16" }],
    },
  };
}

Deno.test("README: the chapter has before and after of each way", () => {
  assertEquals(LISTS.map(({ name }) => name), [
    ...["cbr0", "cbr0", "cbr0"],
    ...["headcni-network", "headcni-network"],
    ...["pods", "pods"],
  ]);
});

const [flannel, delegating, native, older, ownOlder, bridge, ownBridge] = LISTS;
if (!flannel || !delegating || !native || !older || !ownOlder || !bridge || !ownBridge) {
  throw new Error(`Cannot find the configurations of "${CHAPTER}"`);
}

testUnless(missingDebian(), "README: from flannel, step by step with pods running", async () => {
  await using move = await beginMove();
  const { node } = move;
  const before = await start(move, renderedByFlannel(flannel), "before");
  const first = await start(move, delegating, "first");
  assertEquals([before.address, first.address], ["10.42.1.2/24", "10.42.1.3/24"]);
  const [link] = await first.pod.ip("link", "show", "dev", "eth0");
  assertEquals(link?.mtu, 1450);
  const rules = await node.host.run("iptables-save", "-t", "nat");
  assertEquals(rules.includes("MASQUERADE"), false);
  await ping(first.pod, "10.42.1.2");
  await stop(move, delegating, before);
  assertEquals(await hostLocalLeases(move, "cbr0"), ["10.42.1.3"]);
  assertEquals(await linksOf(before.pod), ["lo"]);
  await importLeases(move, "cbr0");
  const second = await start(move, native, "second");
  assertEquals(second.address, "10.42.1.4/24");
  await ping(second.pod, "10.42.1.3");
  await stop(move, native, first);
  await stop(move, native, second);
  assertEquals(await hostLocalLeases(move, "cbr0"), []);
  assertEquals(await node.storeText(), "");
});

testUnless(missingDebian(), "README: from an older plugin, by what it left", async () => {
  await using move = await beginMove();
  const { node, mounts } = move;
  const name = "headcni-network";
  const rendered = { ...renderedByFlannel(older), bridge: "cni0" };
  const before = await start(move, rendered, "before");
  const text = JSON.stringify(rendered);
  const path = `/var/lib/cni/headcni/${before.pod.name}`;
  await mounts.run(writingFile({ path, text: `${text}\n` }));
  // Its subnet file, in a place where it is looked for.
  await mounts.run("mkdir -p /run/headcni; cp /run/flannel/subnet.env /run/headcni/subnet.env");
  const first = await start(move, older, "first");
  assertEquals([before.address, first.address], ["10.42.1.2/24", "10.42.1.3/24"]);
  await importLeases(move, name);
  const second = await start(move, ownOlder, "second");
  assertEquals(second.address, "10.42.1.4/24");
  for (const address of ["10.42.1.2", "10.42.1.3"]) await ping(second.pod, address);
  for (const each of [before, first, second]) await stop(move, ownOlder, each);
  assertEquals(await hostLocalLeases(move, name), []);
  assertEquals(await mounts.run("ls /var/lib/cni/headcni"), "");
  assertEquals(await node.storeText(), "");
});

testUnless(missingDebian(), "README: from bridge and host-local with pods running", async () => {
  await using move = await beginMove();
  const { node } = move;
  const before = await start(move, bridge, "before");
  const path = `${node.root}/old.conflist`;
  await Deno.writeTextFile(path, JSON.stringify(bridge));
  await importLeases(move, "pods", "--config", path);
  const after = await start(move, ownBridge, "after");
  assertEquals([before.address, after.address], ["10.244.1.2/24", "10.244.1.3/24"]);
  await ping(after.pod, "10.244.1.2");
  await stop(move, ownBridge, before);
  assertStringIncludes(await node.storeText(), after.pod.name);
  assertEquals((await node.storeText()).includes(before.pod.name), false);
  await stop(move, ownBridge, after);
});

async function ping(pod: TestPod, address: string): Promise<void> {
  await pod.run("ping", "-n", "-q", "-c", "1", "-W", "5", address);
}

async function linksOf(pod: TestPod): Promise<unknown[]> {
  return (await pod.ip("link", "show")).map(({ ifname }) => ifname);
}
