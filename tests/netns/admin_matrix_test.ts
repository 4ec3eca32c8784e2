/**
 * Every command that changes nothing, in every state of a node and every form of output: its exit code,
 * the shape of what programs get, what people read, and that the machine stays as it was.
 */
import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { parse } from "yaml";
import { newProgram } from "../../commands/admin/command_line.ts";
import { allNodes, commandTree } from "../../commands/admin/completion/command_tree.ts";
import { addSubcommands } from "../../commands/admin/subcommands.ts";
import { VERSION } from "../../lib/version.ts";
import { ANSWERS } from "../cli/answer_schemas.ts";
import { assertGolden } from "../cli/golden.ts";
import type { ProgramOutcome } from "../cli/program.ts";
import { machineTest, type TestMachine } from "./machine.ts";
import { MACHINE_STATES, type MachineState } from "./machine_states.ts";
import { assertSameLines } from "./plugin.ts";

type Form = "table" | "json" | "yaml" | "document";

/** A command line without `--output`, the states in which it ends with 1 and 2, and its forms. */
type Row = readonly [
  args: string,
  fails?: { readonly 1?: string; readonly 2?: string },
  forms?: readonly Form[],
];

/** Those on which nothing was ever attached. */
const UNUSED = "nothing foreign half";
const NO_STORE = { 1: `${UNUSED} not-root` };
/** Settings of a daemon without a tailnet, or that may not be read. */
const NO_PEERS = { 1: "nothing foreign tailscaled-dead", 2: "half not-root" };
const NO_SETTINGS = { 2: "not-root" };
const EVERYWHERE = Object.keys(MACHINE_STATES).join(" ");
const FORMS: readonly Form[] = ["table", "json", "yaml"];
const TEXT: readonly Form[] = ["table"];
const LINES: readonly Form[] = ["table", "json"];

const ROWS: readonly Row[] = [
  ["status", { 1: "not-root" }],
  ["status --pods", { 1: "not-root" }],
  ["stats", NO_SETTINGS],
  ["logs --tail 5", { 1: "nothing foreign", 2: "not-root" }, LINES],
  ["metrics", { 1: `${UNUSED} daemon-dead`, 2: "not-root" }],
  ["version"],
  ["ipam ls", NO_STORE],
  ["ipam stats", NO_STORE],
  ["ipam check", NO_STORE],
  ["ipam show 10.9.0.2", NO_STORE],
  ["ipam gc --dry-run", NO_STORE],
  ["ipam export", NO_STORE, ["document"]],
  ["mesh status", { 2: "half not-root" }],
  ["mesh peers", NO_PEERS],
  ["mesh whois 10.9.7.2", NO_PEERS],
  ["mesh routes", NO_PEERS],
  ["mesh check", NO_PEERS],
  ["mesh policy", { 2: "nothing foreign not-root" }],
  ["config show", NO_SETTINGS],
  ["config validate", { 2: "nothing foreign not-root" }],
  ["config explain network.mtu"],
  ["doctor", { 1: `${UNUSED} daemon-dead tailscaled-dead` }],
  ["diagnostics --output-file ROOT/bundle.tar.gz", {}, TEXT],
  ["backup --output-file -", NO_SETTINGS, ["document"]],
  ["install --dry-run", NO_SETTINGS],
  ["uninstall --dry-run", NO_SETTINGS],
  ["upgrade --dry-run", { 2: "nothing foreign not-root" }],
  ["restore --dry-run --input-file ROOT/backup.json", NO_SETTINGS],
  ["cluster status", { 1: EVERYWHERE }],
  ["completion bash", {}, TEXT],
];

/** Answers that are the same on every machine, by the states in which they are compared word for word. */
const GOLDENS: Readonly<Record<string, string>> = {
  "status": EVERYWHERE,
  "stats": "nothing not-root",
  "logs --tail 5": "nothing",
  "metrics": "daemon-dead",
  "ipam ls": "nothing not-root",
  "mesh status": "tailscaled-dead",
  "mesh peers": "half tailscaled-dead",
  "uninstall --dry-run": "nothing",
  "upgrade --dry-run": "nothing",
  "cluster status": "nothing",
};

/** What changes something, and has no `--dry-run`. */
const CHANGING = [
  ...["connect-test", "ipam release", "ipam import", "mesh leave", "mesh join"],
  ...["cluster install", "cluster upgrade", "cluster uninstall"],
];

/** YAML has the value of JSON: it is enough to see it where most can be told. */
const YAML_STATES: readonly MachineState[] = ["up", "half"];
/** They answer even where they fail; the others only say why, whatever the form. */
const ALWAYS_ANSWER = /^(status|mesh check|config validate|doctor)\b/;
/** How many run at once. */
const AT_ONCE = 3;

const NO_DEFECT = /\bundefined\b|\[object |\bNaN\b|\bUncaught\b|^\s+at .*:\d+:\d+/m;
/** What a line of an error that stands alone has beside what was seen. */
const ADVICE = /\b(run|start|set|names?|install|use|see|lists)\b/i;

const BACKUP = JSON.stringify({
  ...{ kind: "headcni-backup", format: 1, release: "0.1.0", node: "edge-7" },
  ...{ created: "2026-11-27T15:02:11.000Z", settings: null, lastPodCidr: null, mesh: null },
  ...{ conflists: [], unit: null, install: null, addresses: null },
});

/** The words that name a command. */
function nameOf(args: string): keyof typeof ANSWERS {
  const [, name = ""] = /^((?:ipam|mesh|config|cluster) \S+|\S+)/.exec(args) ?? [];
  return name as keyof typeof ANSWERS;
}

Deno.test("headcni: each command is in the matrix, or changes something", async () => {
  const program = newProgram("headcni");
  await addSubcommands(program, { env: {}, target: undefined, called: ["completion"] });
  const names = allNodes(commandTree(program))
    .filter(({ name, children }) => name !== "help" && children.length === 0)
    .map(({ place }) => place.replace("headcni ", ""));
  const known = new Set([...ROWS.map(([args]) => nameOf(args) as string), ...CHANGING]);
  assertEquals(names.toSorted(), [...known].toSorted());
});

/** Runs a command as somebody who stands at the node does. */
function call(machine: TestMachine, state: MachineState, args: string): Promise<ProgramOutcome> {
  const isInstalled = state !== "nothing" && state !== "foreign";
  const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  return machine.call(
    args.replace("ROOT", `${machine.root}/open`).split(" "),
    isInstalled ? "/usr/local/bin/headcni" : undefined,
    // No tool of the real machine is found.
    [...state === "not-root" ? user : [], "env", "PATH=/run/fake"],
  );
}

/** One command line, and what comes of it. */
interface Call {
  readonly args: string;
  readonly line: string;
  readonly name: string;
  readonly form: Form;
  readonly wanted: 0 | 1 | 2;
}

/** Those of a row that tell something new in a state. */
function callsOf([args, fails = {}, forms = FORMS]: Row, state: MachineState): Call[] {
  const wanted = ([1, 2] as const).find((code) => fails[code]?.split(" ").includes(state)) ?? 0;
  const isMute = wanted !== 0 && !ALWAYS_ANSWER.test(args);
  const told = isMute ? forms.slice(0, 1) : forms;
  return told.filter((form) => form !== "yaml" || YAML_STATES.includes(state)).map((form) => ({
    line: forms.length === 1 ? args : `${args} --output ${form}`,
    ...{ args, name: nameOf(args), form, wanted },
  }));
}

/** What is wrong with an outcome, one text each. */
function faultsOf(outcome: ProgramOutcome, wanted: number, name: string, form: Form): string[] {
  const { code, stdout, stderr } = outcome;
  const faults: string[] = [];
  if (code !== wanted) faults.push(`exit code ${code} in the place of ${wanted}: ${stderr}`);
  const [defect] = NO_DEFECT.exec(stdout + stderr) ?? [];
  if (defect !== undefined) faults.push(`it says "${defect}"`);
  const lines = stderr.split("\n").slice(0, -1);
  if (code !== 0 && (lines.length < 1 || lines.length > 2)) {
    faults.push(`${lines.length} lines of errors`);
  }
  if (code !== 0 && !stderr.startsWith("headcni: Cannot ")) faults.push(`it says: ${stderr}`);
  if (code !== 0 && stdout === "" && !ADVICE.test(stderr)) faults.push(`no advice: ${stderr}`);
  if (code === 0 && stdout === "") faults.push("it prints nothing");
  if (form !== "table" && stdout !== "") faults.push(...shapeFaults(stdout, name, form));
  return faults;
}

/** Why what programs get is not what was promised. */
function shapeFaults(text: string, name: string, form: Form): string[] {
  const schema: v.GenericSchema | undefined = ANSWERS[name as keyof typeof ANSWERS];
  try {
    const { issues } = v.safeParse(schema, read(text, name, form));
    return (issues ?? []).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  } catch (error) {
    return [String(error)];
  }
}

function read(text: string, name: string, form: Form): unknown {
  if (form === "yaml") return parse(text);
  if (name !== "logs") return JSON.parse(text);
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

/** All that is on the machine, but for what a daemon that runs does to the store's own files. */
async function look(machine: TestMachine): Promise<string> {
  const log = await machine.run("sha256sum /var/log/headcni/plugin.log 2>&1 || true");
  return (await machine.snapshot()).replaceAll(/^.*\/state\.kv.*\n?/gm, "") + log;
}

/** A screen without what differs from run to run. */
function withoutChance(screen: string): string {
  return screen.replace(/^Node \S+:/, "Node NODE:")
    .replace(/running for [^,]+/, "running for AGE")
    .replace(/process \d+/, "process PID")
    .replaceAll(/"[^"]*\/hct[^"]*\/tailscaled\.sock"/g, '"SOCKET"');
}

for (const [name, make] of Object.entries(MACHINE_STATES)) {
  const state = name as MachineState;
  machineTest(`headcni: what only looks does so on a node that is ${state}`, async (machine) => {
    await using owned = new AsyncDisposableStack();
    await make(machine, owned);
    await Deno.mkdir(`${machine.root}/open`);
    await Deno.chmod(machine.root, 0o711);
    await Deno.chmod(`${machine.root}/open`, 0o777);
    await Deno.writeTextFile(`${machine.root}/open/backup.json`, BACKUP);
    const before = await look(machine);
    const faults: string[] = [];
    const calls = ROWS.flatMap((row) => callsOf(row, state)).values();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const { args, line, name, form, wanted } of calls) {
        const outcome = await call(machine, state, line);
        const found = faultsOf(outcome, wanted, name, form);
        faults.push(...found.map((fault) => `${line}: ${fault}`));
        if (form !== "table" || !GOLDENS[args]?.split(" ").includes(state)) continue;
        const text = withoutChance(outcome.stdout + outcome.stderr);
        const golden = `node-${state}-${name.replace(" ", "-")}`;
        await assertGolden(golden, text, { RELEASE: VERSION });
      }
    }));
    assertEquals(faults, []);
    assertSameLines(await look(machine), before);
  });
}
