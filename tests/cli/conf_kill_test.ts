/**
 * Kills the daemon's work on a node's files at each system call that changes one, and proves after
 * each: what a runtime would load is a whole configuration, the one of before or the one of after;
 * executables are whole; nothing of others is lost; and the next call finishes the work.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import {
  FILE_CHANGES,
  killCommand,
  type KillTarget,
  listChanges,
  missingStrace,
  traceCommand,
} from "./strace.ts";

const WORKER = new URL("conf_worker.ts", import.meta.url).pathname;
const NAME = "05-headcni.conflist";
const FLANNEL = `{"name": "cbr0", "plugins": [{"type": "flannel"}]}\n`;
const MULTUS = `{"name": "multus", "type": "multus"}\n`;

/** What is done before the action that is killed. */
interface Scenario {
  readonly what: string;
  readonly action: string;
  prepare(root: string): Promise<void>;
}

const SCENARIOS: readonly Scenario[] = [
  {
    what: "first conflist, others before it",
    action: "newer",
    prepare: (root) => writeStrangers(root),
  },
  {
    what: "changed conflist",
    action: "newer",
    prepare: async (root) => {
      await writeStrangers(root);
      await succeed("older", root);
    },
  },
  {
    what: "conflist in the place of a stranger's",
    action: "newer",
    prepare: async (root) => {
      await writeStrangers(root);
      await Deno.writeTextFile(`${root}/net.d/${NAME}`, MULTUS);
    },
  },
  {
    what: "uninstall",
    action: "restore",
    prepare: async (root) => {
      await writeStrangers(root);
      await succeed("newer", root);
    },
  },
  {
    what: "executables",
    action: "binaries",
    prepare: async (root) => {
      await Deno.writeTextFile(`${root}/bin/headcni`, "older", { mode: 0o755 });
      await Deno.writeTextFile(`${root}/source`, "newer".repeat(1000), { mode: 0o755 });
    },
  },
];

const missing = missingRoot() || missingStrace();

for (const scenario of SCENARIOS) {
  testUnless(missing, `killed daemon: ${scenario.what}`, () => killEverywhere(scenario));
}

Deno.test("assertConflist: who reads meanwhile sees one of two configurations", async () => {
  await using node = await makeNode();
  const { root } = node;
  const wanted: string[] = [];
  for (const action of ["older", "newer"]) {
    await succeed(action, root);
    wanted.push(firstConf(root));
  }
  assertNotEquals(wanted[0], wanted[1]);
  const worker = command("toggle", root).spawn();
  let isRunning = true;
  const ended = worker.status.finally(() => isRunning = false);
  const seen = new Set<string>();
  while (isRunning) {
    seen.add(firstConf(root));
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals((await ended).code, 0);
  assertEquals(Array.from(seen).filter((conf) => !wanted.includes(conf)), []);
});

testUnless(
  missingRoot(),
  "assertConflist: a file system that is mounted read-only is named",
  async () => {
    await using node = await makeNode();
    const { root } = node;
    const { code, stderr } = await new Deno.Command("unshare", {
      args: [
        ...["--mount", "sh", "-c", `mount -t tmpfs -o ro none "$1/net.d" && shift && exec "$@"`],
        ...["sh", root, Deno.execPath(), "run", "-A", "--no-check", WORKER, "newer", root],
      ],
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 1, said);
    const text = `Cannot write "${root}/net.d/${NAME}": Read-only file system (os error 30); ` +
      `mount it writable for the daemon`;
    assert(said.includes(text), said);
  },
);

/** Kills at each change, and prints how many those were. */
async function killEverywhere({ what, action, prepare }: Scenario): Promise<void> {
  const [before, after, kills] = await observe(action, prepare);
  let killed = 0;
  for (const [target, at] of kills) {
    await using node = await makeNode();
    const { root } = node;
    await prepare(root);
    const notes = `${root}/notes`;
    const under = killCommand(targetBelow(target, root), at, notes);
    const { code } = await command(action, root, under).output();
    const where = `${what}, killed at ${target.name} ${at} of ${target.files.join()}`;
    // Threads share out what is asynchronous: one may make fewer calls than were counted.
    if ((await Deno.readTextFile(notes)).includes("+++ killed by SIGKILL +++")) killed++;
    else assertEquals(code, 0, where);
    assert([before.conf, after.conf].includes(firstConf(root)), `${where}: ${firstConf(root)}`);
    assert([before.program, after.program].includes(readIfThere(`${root}/bin/headcni`)), where);
    await succeed(action, root);
    assertEquals(snapshot(root), after.files, where);
  }
  console.log(`${what}: ${killed} of ${kills.length} covered`);
}

/** What is there before and after the action, and every change that it makes, below the root. */
async function observe(action: string, prepare: Scenario["prepare"]) {
  await using node = await makeNode();
  const { root } = node;
  await prepare(root);
  const before = stateOf(root);
  const notes = `${root}/notes`;
  const target = { name: FILE_CHANGES.join(","), files: [] };
  const { code } = await command(action, root, traceCommand(target, notes)).output();
  assertEquals(code, 0);
  const kills = listChanges(await Deno.readTextFile(notes), root).flatMap(
    ({ name, file, count }) =>
      Array.from({ length: count }, (_, i): [KillTarget, number] => [
        { name, files: [file.slice(root.length)] },
        i + 1,
      ]),
  );
  assert(kills.length > 3, "strace saw nothing");
  return [before, stateOf(root), kills] as const;
}

function targetBelow({ name, files }: KillTarget, root: string): KillTarget {
  return { name, files: files.map((file) => root + file) };
}

function stateOf(root: string) {
  const program = readIfThere(`${root}/bin/headcni`);
  return { conf: firstConf(root), program, files: snapshot(root) };
}

/** A node of its own: folders for configurations and executables. */
async function makeNode(): Promise<AsyncDisposable & { readonly root: string }> {
  const root = await Deno.makeTempDir({ prefix: "headcni_conf_kill_" });
  for (const folder of ["net.d", "bin"]) await Deno.mkdir(`${root}/${folder}`);
  return { root, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}

async function writeStrangers(root: string): Promise<void> {
  await Deno.writeTextFile(`${root}/net.d/00-multus.conf`, MULTUS);
  await Deno.writeTextFile(`${root}/net.d/01-flannel.conflist`, FLANNEL);
}

async function succeed(action: string, root: string): Promise<void> {
  const { code, stderr } = await command(action, root).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

function command(action: string, root: string, under: readonly string[] = []): Deno.Command {
  const run = [Deno.execPath(), "run", "-A", "--no-check", "--frozen", WORKER, action, root];
  const names = under.length > 0 ? ["fixed"] : [];
  const [program = "", ...args] = [...under, ...run, ...names];
  return new Deno.Command(program, { args, stdout: "null", stderr: "piped" });
}

/** Name and text of what a runtime loads: SPEC.md leaves the order to it, all take the first. */
function firstConf(root: string): string {
  const [name] = namesIn(`${root}/net.d`).filter((each) => /\.(conf|conflist|json)$/.test(each));
  return name === undefined ? "none" : `${name}: ${readIfThere(`${root}/net.d/${name}`)}`;
}

/** Every file but the notes, with its text. */
function snapshot(root: string): Record<string, string> {
  return Object.fromEntries(
    ["net.d", "bin"].flatMap((folder) =>
      namesIn(`${root}/${folder}`).map((name) => `${folder}/${name}`)
    )
      .map((path) => [path, readIfThere(`${root}/${path}`)]),
  );
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
