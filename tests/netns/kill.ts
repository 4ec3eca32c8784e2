/**
 * Kills the shipped program at every system call by which a verb changes something, one run a call,
 * and proves that the next calls of the runtime find their way. All datapaths write the same to the
 * store and the log: one of them is killed there, and what a store's first ADD makes is killed by
 * `tests/cli/ipam_kill_test.ts`. How calls are counted leaves out one, see `tests/cli/strace.ts`: DEL
 * removes the link on a second thread, by the first `sendto` of that thread. What is there before it
 * is there at the `sendto` of the main thread as well, and what is there after it at the calls that
 * write the store. It removes host ports on a third; `tests/netns/kill_chain_test.ts` kills at every
 * call of all threads.
 */
import { assert, assertEquals } from "@std/assert";
import {
  type Change,
  countCalls,
  FILE_CHANGES,
  killCommand,
  KILLED,
  type KillTarget,
  killTest,
  listChanges,
  NO_STATE,
  traceCommand,
} from "../cli/strace.ts";
import { addressesOf, type KillNetwork, KillNode, type PodName } from "./kill_node.ts";

/** System calls that change a network namespace or where a thread is. */
const NETWORK_CHANGES = ["sendto", "setns"];
/** Every so many kills, GC cleans up in the place of DEL. */
const GC_INTERVAL = 3;

/** A verb about the victim, on which nodes it is killed, and what must come of it. */
interface Trial {
  /** Begins the lines that are printed, such as `ADD bridge`. */
  readonly name: string;
  readonly verb: "ADD" | "DEL";
  /** Whether it is killed at changes of the store and the log too. */
  readonly isKilledAtFiles: boolean;
  /** Calls `fn` with the node of the next run. */
  onNode<T>(fn: (node: KillNode) => Promise<T>): Promise<T>;
  /** Does what a runtime does after a kill, and fails when anything is left. */
  cleanUp(node: KillNode, kill: number): Promise<void>;
}

/**
 * Registers the tests of a network, on a node where another pod lives on.
 * @param isKilledAtFiles whether the verbs are killed at changes of the store and the log too.
 */
export function killTests(network: KillNetwork, isKilledAtFiles: boolean): void {
  const { datapath } = network;
  for (const verb of ["ADD", "DEL"] as const) {
    killTest(`${verb} ${datapath}: DEL or GC removes what is left`, async () => {
      await using node = await KillNode.make(network);
      const calm = { living: await node.add("living"), snapshot: await node.snapshot() };
      await killEverywhere({
        name: `${verb} ${datapath}`,
        verb,
        isKilledAtFiles,
        onNode: (fn) => fn(node),
        cleanUp: (_, kill) => cleanUp(node, kill, calm),
      });
    });
  }
  killTest(`ADD ${datapath}: what it answered stays`, async () => {
    await using node = await KillNode.make(network);
    const { code, stdout } = await node.call({
      verb: "ADD",
      pod: "victim",
      under: killCommand({ name: "exit_group", files: [] }, 1, node.notesFile),
    });
    assertEquals(code, KILLED);
    await node.assertStored({ victim: addressesOf(stdout) });
    await node.assertReachable("victim");
  });
}

/** Registers the test of the first ADD of a node, which makes everything that pods share. */
export function killFirstAddTest(network: KillNetwork): void {
  const { datapath } = network;
  killTest(`first ADD ${datapath}: another one makes what is missing`, async () => {
    const attachOther = async (node: KillNode) => {
      const living = await node.add("living");
      await node.assertStored({ living });
      await node.assertReachable("living");
      await node.remove({ verb: "DEL", pod: "living" });
      return await node.snapshot();
    };
    await using undisturbed = await KillNode.make(network);
    const snapshot = await attachOther(undisturbed);
    await killEverywhere({
      name: `first ADD ${datapath}`,
      verb: "ADD",
      isKilledAtFiles: false,
      async onNode(fn) {
        await using node = await KillNode.make(network);
        return await fn(node);
      },
      async cleanUp(node) {
        await node.remove({ verb: "DEL", pod: "victim" });
        assertEquals(await attachOther(node), snapshot);
      },
    });
  });
}

/** Kills the verb at each call of each target, and prints how many those were. */
async function killEverywhere(trial: Trial): Promise<void> {
  let total = 0;
  for (const target of await listTargets(trial)) {
    const kills = await killAtEach(trial, target, total);
    total += kills;
    if (kills === 0) continue;
    console.log(`${trial.name}: ${target.title}: ${kills} of ${kills} killed and cleaned`);
  }
  console.log(`${trial.name}: ${total} of ${total} killed and cleaned`);
}

/** A system call that a verb is killed at. */
interface TitledTarget extends KillTarget {
  /** What is printed. */
  readonly title: string;
}

/** What changes something in a trial. Files are only ours: a runtime's caches are no state. */
async function listTargets(trial: Trial): Promise<TitledTarget[]> {
  const { sysctls, changes } = await observe(trial);
  const targets: TitledTarget[] = NETWORK_CHANGES.map((name) => ({ title: name, name, files: [] }));
  if (sysctls.length > 0) {
    targets.push({ title: "write of sysctls", name: "write", files: sysctls });
  }
  if (!trial.isKilledAtFiles) return targets;
  // All kills at files are on the same node.
  const ofFiles = changes.map(({ name, file }) => ({
    title: `${name} of ${file.slice(file.lastIndexOf("/") + 1)}`,
    name,
    files: [file],
  }));
  return [...targets, ...ofFiles];
}

/**
 * Kills at the first call, the second and so on, until the verb makes no more; answers how many.
 * @param before how many kills of other targets there were.
 */
async function killAtEach(trial: Trial, target: KillTarget, before: number): Promise<number> {
  const kill = (at: number) =>
    trial.onNode((node) => killAt(trial, node, target, { at, kill: before + at }));
  let at = 1;
  while (await kill(at)) at++;
  return at - 1;
}

/** Kills at one call and cleans up; answers false when the verb ended before. */
async function killAt(
  trial: Trial,
  node: KillNode,
  target: KillTarget,
  { at, kill }: { readonly at: number; readonly kill: number },
): Promise<boolean> {
  const { verb } = trial;
  if (verb === "DEL") await node.add("victim");
  const under = killCommand(target, at, node.notesFile);
  const { code, stdout } = await node.call({ verb, pod: "victim", under });
  const trace = await Deno.readTextFile(node.notesFile);
  try {
    if (code !== KILLED) {
      assertEquals(code, 0, stdout);
      assert(countCalls(trace, target.name) < at, "strace did not kill");
    }
    await node.assertLinkIsLeased("victim");
    await trial.cleanUp(node, kill);
  } catch (cause) {
    throw new Error(`${trial.name}, killed at ${target.name} ${at}, the last of\n${trace}`, {
      cause,
    });
  }
  return code === KILLED;
}

/** What has to hold whenever no pod but the living one is attached. */
interface Calm {
  readonly living: readonly string[];
  readonly snapshot: string;
}

/** Removes the victim by DEL or GC, with a pod that comes before or after that. */
async function cleanUp(node: KillNode, kill: number, calm: Calm): Promise<void> {
  const isEarly = kill % 2 === 1;
  const early = isEarly ? await node.add("newcomer") : undefined;
  const valid: PodName[] = isEarly ? ["living", "newcomer"] : ["living"];
  await node.remove(
    kill % GC_INTERVAL === 0 ? { verb: "GC", valid } : { verb: "DEL", pod: "victim" },
  );
  const newcomer = early ?? await node.add("newcomer");
  await node.assertStored({ living: calm.living, newcomer });
  await node.remove({ verb: "DEL", pod: "newcomer" });
  assertEquals(await node.snapshot(), calm.snapshot);
  await node.assertStored({ living: calm.living });
  await node.assertReachable("living");
}

/** What a verb changes in files when nobody kills it. */
interface Observed {
  /** Paths of the kernel parameters that it writes. */
  readonly sysctls: readonly string[];
  /** Its changes of our state. */
  readonly changes: readonly Change[];
}

async function observe({ verb, onNode }: Trial): Promise<Observed> {
  return await onNode(async (node) => {
    if (verb === "DEL") await node.add("victim");
    const under = traceCommand({ name: FILE_CHANGES.join(","), files: [] }, node.notesFile);
    const { code, stdout } = await node.call({ verb, pod: "victim", under });
    assertEquals(code, 0, stdout);
    await node.remove({ verb: "DEL", pod: "victim" });
    const trace = await Deno.readTextFile(node.notesFile);
    const paths = trace.matchAll(/ write\(\d+<(\/proc\/sys\/[^>]+)>/g);
    return {
      sysctls: [...new Set(Array.from(paths, ([, path = ""]) => path))],
      changes: listChanges(trace, node.root).filter(({ file }) => !NO_STATE.test(file)),
    };
  });
}
