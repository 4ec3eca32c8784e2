/**
 * Kills an ADD or a DEL with members at every call by which the program, or a plugin that it runs,
 * changes something in the network, the kernel's parameters, the store or the plugins' own files; after
 * the DEL that follows nothing is left. Calls are counted over all processes, see
 * `tests/netns/kill_at.ts`. At each of them all processes die at once, as when a runtime kills its group;
 * at those of a plugin also the plugin alone, so that the program sees it die.
 * A plugin that outlives the program is in `tests/netns/chain_test.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { HEADCNI, missingProgram } from "../cli/shipped.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingDebian } from "./debian.ts";
import { KILL_MARK } from "./kill_mark.ts";
import { assertSameLines, type NetworkConfig, TestNode, type TestPod } from "./plugin.ts";

const KILL_AT = fromFileUrl(new URL("kill_at.ts", import.meta.url));

/** Who dies at a call: all, or the plugin that makes it. */
const VICTIMS = ["all", "child"] as const;
/**
 * host-local 1.1.1 names the owner of an address after it has made the file of the address: one that
 * is killed in between keeps an address that nobody owns.
 */
const ORPHAN = / write (\S+\/host-local\/pods\/[\d.]+)$/;

interface Trial {
  readonly node: TestNode;
  readonly verb: "ADD" | "DEL";
  readonly config: NetworkConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly pod: TestPod;
  /** What there is when no pod is attached. */
  readonly calm: string;
}

/**
 * Registers the tests of a configuration, one a verb.
 * @param makeKeys the keys of the configuration; plugins of others keep their files in `folder`.
 */
export function killMembersTests(
  name: string,
  makeKeys: (folder: string) => NetworkConfig,
): void {
  for (const verb of ["ADD", "DEL"] as const) {
    const title = `killed ${verb} ${name}: DEL removes what is left`;
    testUnless(missingProgram() || missingDebian(), title, async () => {
      await using node = await TestNode.make();
      const trial = await makeTrial(node, verb, makeKeys(pluginFolder(node)));
      let kills = 0;
      for (const victims of VICTIMS) {
        const calls = await killAtEach(trial, victims);
        console.log(`${verb} ${name}: ${victims} killed at ${calls} of ${calls}`);
        kills += calls;
      }
      assert(kills > 0);
      console.log(`${verb} ${name}: ${kills} of ${kills} killed and cleaned`);
    });
  }
}

async function makeTrial(
  node: TestNode,
  verb: "ADD" | "DEL",
  keys: NetworkConfig,
): Promise<Trial> {
  // Otherwise link-local addresses of bridges come when the kernel has checked them.
  await node.host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  const subnetFile = `${node.root}/subnet.env`;
  await Deno.writeTextFile(subnetFile, "HEADCNI_NETWORK=10.9.0.0/16\nHEADCNI_SUBNET=10.9.0.1/24\n");
  const env = { HEADCNI_SUBNET_FILE: subnetFile };
  const config = { cniVersion: "1.0.0", name: "pods", type: "headcni", ...keys };
  await Deno.mkdir(pluginFolder(node));
  const pod = await node.makePod();
  await node.add(pod, config, env);
  await node.del(pod, config, env);
  assertEquals((await pod.ip("link", "show")).map(({ ifname }) => ifname), ["lo"]);
  return { node, verb, config, env, pod, calm: await stateOf(node, pod) };
}

/** Kills at the first call, the second and so on; answers how many there are. */
async function killAtEach(trial: Trial, victims: string): Promise<number> {
  const { node, pod, config, env, verb, calm } = trial;
  for (let at = 1;; at++) {
    const { code, calls } = await killAt(trial, victims, at);
    const isKilled = calls.at(-1) === KILL_MARK;
    const where = `${verb}, killed ${victims} at call ${at}, the last of\n${calls.join("\n")}`;
    if (!isKilled) assertEquals(code, 0, where);
    await node.del(pod, config, env);
    const [, orphan] = (isKilled && ORPHAN.exec(calls.at(-2) ?? "")) || [];
    if (orphan) await Deno.remove(orphan); // fails when it is not there
    assertSameLines(await stateOf(node, pod), calm, where);
    if (!isKilled) return at - 1;
  }
}

/** Calls the verb, and kills at one of its calls if it makes so many; DEL is about a pod attached. */
async function killAt(
  { node, verb, config, env, pod }: Trial,
  victims: string,
  at: number,
): Promise<{ code: number; calls: string[] }> {
  if (verb === "DEL") await node.add(pod, config, env);
  const [plugin, notes] = [`${node.root}/killed`, `${node.root}/notes`];
  const killer = [Deno.execPath(), "run", "-A", "--no-config", "--no-check", KILL_AT];
  const words = [...killer, victims, String(at), notes, node.root, HEADCNI];
  const line = words.map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(plugin, `#!/bin/sh\nexec ${line}\n`, { mode: 0o755 });
  const { code } = await node.call({ verb, config, env, pod, plugin });
  return { code, calls: (await Deno.readTextFile(notes)).split("\n") };
}

/** Kernel, store, and the files that plugins of others keep. */
async function stateOf(node: TestNode, pod: TestPod): Promise<string> {
  return [await node.snapshot([pod]), ...listFiles(pluginFolder(node)).sort()].join("\n");
}

function pluginFolder({ root }: TestNode): string {
  return `${root}/plugins`;
}

function listFiles(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory)).flatMap(({ name, isDirectory }) => {
    const path = `${directory}/${name}`;
    return isDirectory ? listFiles(path) : [path];
  });
}
