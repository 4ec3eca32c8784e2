/**
 * Kills the program, or a plugin that it runs, at every system call by which an ADD or a DEL with
 * members changes something; after the DEL that follows nothing is left. strace(1) waits for the
 * children of a killed program, so that what they do is seen too; a child that outlives the DEL is in
 * `tests/netns/chain_test.ts`.
 */
import { assertEquals } from "@std/assert";
import {
  FILE_CHANGES,
  killCommand,
  type KillTarget,
  killTest,
  traceCommand,
} from "../cli/strace.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { type NetworkConfig, SUBNETS, TestNode, type TestPod } from "./plugin.ts";

/** System calls that change a network namespace, or where a thread is. */
const NETWORK_CHANGES = ["sendto", "sendmsg", "setns"];
const KILL_MARK = "+++ killed by SIGKILL +++";

/** Configurations that have members, with all state below the node's folder. */
const CONFIGS: Readonly<Record<string, (node: TestNode) => NetworkConfig>> = {
  delegate: (node) => ({
    delegate: { type: "bridge", bridge: "cni0", ipMasq: false },
    ipam: { dataDir: `${node.root}/host-local` },
  }),
  chain: (node) => ({
    plugins: [
      { type: "headcni", ipam: { type: "headcni-ipam", subnet: SUBNETS[4] } },
      { type: "tuning", sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" }, dataDir: node.root },
    ],
  }),
};

for (const [name, makeKeys] of Object.entries(CONFIGS)) {
  for (const verb of ["ADD", "DEL"] as const) {
    killTest(`${verb} ${name}: DEL removes what is left`, async () => {
      await using node = await TestNode.make();
      const trial = await makeTrial(node, verb, makeKeys(node));
      let kills = 0;
      for (const target of await listTargets(trial)) kills += await killAtEach(trial, target);
      console.log(`${verb} ${name}: ${kills} of ${kills} killed and cleaned`);
    });
  }
}

interface Trial {
  readonly node: TestNode;
  readonly verb: "ADD" | "DEL";
  readonly config: NetworkConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly pod: TestPod;
  /** What there is when no pod is attached. */
  readonly calm: string;
}

async function makeTrial(
  node: TestNode,
  verb: "ADD" | "DEL",
  keys: NetworkConfig,
): Promise<Trial> {
  const subnetFile = `${node.root}/subnet.env`;
  await Deno.writeTextFile(subnetFile, "HEADCNI_NETWORK=10.9.0.0/16\nHEADCNI_SUBNET=10.9.0.1/24\n");
  const env = { HEADCNI_SUBNET_FILE: subnetFile };
  const config = { cniVersion: "1.0.0", name: "pods", type: "headcni", ...keys };
  const pod = await node.makePod();
  // Debian's bridge has its own link-local address checked, which the kernel ends when it will.
  await node.host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  await node.add(pod, config, env);
  await node.del(pod, config, env);
  return { node, verb, config, env, pod, calm: await stateOf(node, pod) };
}

/** Kernel, store, and the addresses that Debian's host-local has given. */
async function stateOf(node: TestNode, pod: TestPod): Promise<string> {
  const given: string[] = [];
  for (const { name } of listIfAny(`${node.root}/host-local/pods`)) {
    if (/^\d/.test(name)) given.push(name);
  }
  return [await node.snapshot([pod]), ...given.sort()].join("\n");
}

/** Calls on which something depends: of the network, and on the files of ours and of host-local. */
async function listTargets(trial: Trial): Promise<KillTarget[]> {
  const { node } = trial;
  const notes = `${node.root}/notes`;
  const names = FILE_CHANGES.join(",");
  await run(trial, traceCommand({ name: names, files: [] }, notes));
  await node.del(trial.pod, trial.config, trial.env);
  const trace = await Deno.readTextFile(notes);
  const paths = trace.matchAll(/ (\w+)\([^"<]*(?:<|")(\/[^>"]+)/g);
  const changed = Array.from(paths, ([, name = "", file = ""]) => ({ name, file }))
    .filter(({ file }) => file.startsWith(node.root) || file.startsWith("/proc/sys/"))
    .filter(({ file }) => !/-shm$|\/notes$|plugin\.log$/.test(file))
    .map(({ name, file }) => `${name} ${file}`);
  return [
    ...NETWORK_CHANGES.map((name) => ({ name, files: [] })),
    ...[...new Set(changed)].map((text) => {
      const [name = "", ...file] = text.split(" ");
      return { name, files: [file.join(" ")] };
    }),
  ];
}

/** Kills at the first call, the second and so on; answers how often there was one. */
async function killAtEach(trial: Trial, target: KillTarget): Promise<number> {
  const { node, pod, config, env, calm } = trial;
  const notes = `${node.root}/notes`;
  for (let at = 1;; at++) {
    await run(trial, killCommand(target, at, notes));
    const trace = await Deno.readTextFile(notes);
    await node.del(pod, config, env);
    const where = `${trial.verb}, killed at ${target.name} ${at} of ${target.files}, in\n${trace}`;
    assertEquals(await stateOf(node, pod), calm, where);
    if (!trace.includes(KILL_MARK)) return at - 1;
  }
}

/** Calls the verb below a command; DEL is about a pod that is attached. */
async function run({ node, verb, config, env, pod }: Trial, under: string[]): Promise<void> {
  if (verb === "DEL") await node.add(pod, config, env);
  const plugin = `${node.root}/traced`;
  const command = [...under, HEADCNI].map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(plugin, `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  await node.call({ verb, config, env, pod, plugin });
}

function listIfAny(directory: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(directory)];
  } catch {
    return [];
  }
}
