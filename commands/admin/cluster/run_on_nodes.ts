/** A command of a node, run on nodes of a cluster by `kubectl exec` in the pods of the DaemonSet. */
import { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { splitLines } from "../../../lib/delegate/stream_child.ts";
import { ConfigError, HeadcniError } from "../../../lib/errors.ts";
import { OUTPUT_FORMATS, type OutputFormat, print } from "../print.ts";
import { choosePods, type DaemonPod } from "./daemon_pods.ts";
import type { NodeTarget } from "./target.ts";

/** What makes no sense on a node. */
export const NOT_OF_A_NODE: readonly string[] = ["cluster", "completion", "help", "daemon"];
/** How many nodes are asked at once. */
const AT_ONCE = 8;
/** What kubectl adds to what the command said. */
const EXIT_LINE = /^command terminated with (?:non-zero )?exit code/;

/** A node that was chosen, with a pod or with the reason why there is none. */
export type Chosen = Awaited<ReturnType<typeof choosePods>>[number];

/** What a node answered. */
interface NodeAnswer {
  readonly node: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command line on nodes. On a single named node it is as if one were there, terminal and all; of
 * several each output comes below the node's name, or in an object by node.
 * @returns the worst exit code.
 * @throws HeadcniError when there is nothing to run it in.
 */
export async function runOnNodes(target: NodeTarget, args: readonly string[]): Promise<number> {
  const [command] = args;
  if (command === undefined || NOT_OF_A_NODE.includes(command)) {
    const what = command === undefined
      ? "a command is missing"
      : `"${command}" is not one of a node`;
    throw new ConfigError("invalid-config", `Cannot run it on nodes: ${what}`);
  }
  const isOne = target.nodes?.length === 1;
  if (!isOne && namesStream(args)) {
    const text = 'Cannot run it on several nodes: "-" is a stream of one; --node names it';
    throw new ConfigError("invalid-config", text);
  }
  const kubectl = new Kubectl(target.access);
  const chosen = await choosePods(kubectl, target);
  const [only] = chosen;
  if (isOne && only) return await runOnOne(kubectl, only, args);
  if (isFollowing(args)) return await follow(kubectl, chosen, args);
  const { output, line } = takeOutput(args);
  const answers = await askAll(kubectl, chosen, line);
  await printAnswers(output, answers);
  return Math.max(0, ...answers.map(({ code }) => code));
}

async function runOnOne(
  kubectl: Kubectl,
  pod: Chosen,
  args: readonly string[],
): Promise<number> {
  const isTerminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  // Else what reads the lines that call us would lose those that are left.
  const isRead = isTerminal || readsStream(args);
  const flags = [...isRead ? ["--stdin"] : [], ...isTerminal ? ["--tty"] : []];
  return await kubectl.stream(execArguments(requirePod(pod), args, flags), {
    ...isRead && { stdin: "inherit" },
    stdout: "inherit",
    onErrorLine: (line) => {
      if (!EXIT_LINE.test(line)) console.error(line);
    },
  });
}

/** Lines of all nodes as they come, each with the name of its node. */
async function follow(
  kubectl: Kubectl,
  pods: readonly Chosen[],
  args: readonly string[],
): Promise<number> {
  const codes = await Promise.all(pods.map((pod) => {
    const told = (write: (line: string) => void) => (line: string) => {
      if (!EXIT_LINE.test(line)) write(`${pod.node}: ${line}`);
    };
    if (!isPod(pod)) {
      console.error(cannot(pod));
      return 1;
    }
    return kubectl.stream(execArguments(pod, args), {
      stdout: splitLines(told(console.log)),
      onErrorLine: told(console.error),
    });
  }));
  return Math.max(0, ...codes);
}

/** Asks some nodes at once; answers in the order of the nodes. */
async function askAll(
  kubectl: Kubectl,
  pods: readonly Chosen[],
  args: readonly string[],
): Promise<NodeAnswer[]> {
  const answers: NodeAnswer[] = [];
  for (let at = 0; at < pods.length; at += AT_ONCE) {
    const some = pods.slice(at, at + AT_ONCE).map((pod) => ask(kubectl, pod, args));
    answers.push(...await Promise.all(some));
  }
  return answers;
}

/** How long a command may take on one of several nodes: longer than any of ours waits. */
const DEADLINE_MS = 600_000;

async function ask(kubectl: Kubectl, pod: Chosen, args: readonly string[]): Promise<NodeAnswer> {
  const { node } = pod;
  if (!isPod(pod)) return { node, code: 1, stdout: "", stderr: cannot(pod) };
  const line = execArguments(pod, args);
  const { code, stdout, stderr } = await kubectl.try(line, { deadlineMs: DEADLINE_MS });
  const said = stderr.split("\n").filter((text) => !EXIT_LINE.test(text)).join("\n").trim();
  return { node, code, stdout: stdout.trimEnd(), stderr: said };
}

async function printAnswers(
  output: OutputFormat,
  answers: readonly NodeAnswer[],
): Promise<void> {
  if (output === "table") {
    for (const { node, stdout, stderr } of answers) {
      console.log(`== ${node}`);
      if (stdout !== "") console.log(stdout);
      if (stderr !== "") console.error(stderr);
      console.log("");
    }
    return;
  }
  for (const { node, stderr } of answers) if (stderr !== "") console.error(`${node}: ${stderr}`);
  const byNode = answers.map(({ node, stdout, stderr }) => [node, parseAnswer(stdout, stderr)]);
  await print(output, Object.fromEntries(byNode), () => "");
}

/** What a node that answered nothing said instead. */
function parseAnswer(stdout: string, stderr: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    return { error: stderr || `it printed no JSON: ${stdout.slice(0, 200)}` };
  }
}

/** The format that a command line asks for, and the line that asks a node for JSON instead of YAML. */
export function takeOutput(
  args: readonly string[],
): { readonly output: OutputFormat; readonly line: readonly string[] } {
  const text = args.join("\0");
  const found = /(?:^|\0)(?:-o\0?|--output[=\0])(\w+)(?=\0|$)/.exec(text);
  const output = OUTPUT_FORMATS.find((format) => format === found?.[1]) ?? "table";
  if (output !== "yaml" || !found) return { output, line: args };
  const line = text.replace(found[0], () => found[0].replace(/yaml$/, "json"));
  return { output, line: line.split("\0") };
}

/** Whether `-` stands in the place of a file: a standard stream. */
function namesStream(args: readonly string[]): boolean {
  return args.some((arg) => arg === "-" || arg.endsWith("=-"));
}

/** Whether it stands for more than what is written to. */
function readsStream(args: readonly string[]): boolean {
  const text = args.join("\0").replaceAll(/(^|\0)--output-file[=\0]-(?=\0|$)/g, "");
  return namesStream(text.split("\0"));
}

function isFollowing(args: readonly string[]): boolean {
  return args[0] === "logs" && args.some((arg) => arg === "-f" || arg === "--follow");
}

/** What runs our program in a pod. */
export function execArguments(
  pod: DaemonPod,
  args: readonly string[],
  flags: readonly string[] = [],
): string[] {
  return [
    ...["exec", `--container=${pod.container}`, ...flags],
    ...[pod.name, "--", "headcni", ...args],
  ];
}

/** True for a pod in which something can be run. */
export function isPod(pod: Chosen): pod is DaemonPod {
  return "name" in pod && pod.trouble === undefined;
}

/** @throws HeadcniError that says why there is nothing to run in. */
function requirePod(pod: Chosen): DaemonPod {
  if (isPod(pod)) return pod;
  throw new HeadcniError("unavailable", cannot(pod));
}

/** Why nothing can be run there, for people. */
export function cannot({ node, trouble }: Chosen): string {
  return `Cannot run it on node "${node}": ${trouble}`;
}
