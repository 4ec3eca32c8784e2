/** kubectl(1), by which one works on a cluster from a workstation: whoever its kubeconfig says. */
import { ClientError, errorText } from "../errors.ts";
import type { ChildOptions, ChildOutcome } from "./child.ts";
import { runTool } from "./run_tool.ts";
import { streamChild, type StreamOptions } from "./stream_child.ts";

/** Which cluster. */
export interface ClusterAccess {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** Of all objects that are asked for. */
  readonly namespace: string;
  /** Where kubectl is looked for; that of this process by default. */
  readonly path?: string | undefined;
}

/** One call, and how long it may take. */
export type KubectlOptions = Partial<Pick<ChildOptions, "stdin" | "deadlineMs">>;

const TOOL = "kubectl";
/** A list of all pods of a large cluster. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs kubectl for one cluster and namespace. */
export class Kubectl {
  readonly #access: ClusterAccess;

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  /**
   * Runs it, whatever its exit code.
   * @throws ClientError when it cannot be started.
   */
  try(args: readonly string[], options: KubectlOptions = {}): Promise<ChildOutcome> {
    const limits = { maxOutputBytes: MAX_OUTPUT_BYTES, env: this.#env };
    return runTool(TOOL, this.#arguments(args), { ...limits, ...options });
  }

  /**
   * Runs it; answers what it printed.
   * @param doing completes "Cannot ..." in errors, such as `list the nodes`.
   * @throws ClientError that says what is wrong, and what to do.
   */
  async run(
    doing: string,
    args: readonly string[],
    options?: KubectlOptions,
  ): Promise<string> {
    const outcome = await this.try(args, options);
    if (outcome.code === 0) return outcome.stdout;
    throw kubectlError(doing, outcome);
  }

  /** {@linkcode run} for an answer in JSON. */
  async get(doing: string, args: readonly string[]): Promise<unknown> {
    const text = await this.run(doing, ["get", ...args, "--output=json"]);
    try {
      return JSON.parse(text);
    } catch (cause) {
      const seen = `kubectl printed no JSON: ${text.slice(0, 200)}`;
      throw new ClientError("delegate-failure", `Cannot ${doing}: ${seen}`, { cause });
    }
  }

  /**
   * Runs it with its output going on as it comes.
   * @returns its exit code.
   * @throws ClientError when it cannot be started.
   */
  async stream(args: readonly string[], options: Omit<StreamOptions, "env">): Promise<number> {
    try {
      return await streamChild(TOOL, this.#arguments(args), { ...options, env: this.#env });
    } catch (cause) {
      throw new ClientError("delegate-failure", `Cannot run "${TOOL}": ${errorText(cause)}`, {
        cause,
      });
    }
  }

  get #env(): Record<string, string> {
    const { path } = this.#access;
    return path === undefined ? {} : { PATH: path };
  }

  #arguments(args: readonly string[]): string[] {
    const { kubeconfig, context, namespace } = this.#access;
    return [
      ...kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`],
      ...context === undefined ? [] : [`--context=${context}`],
      `--namespace=${namespace}`,
      ...args,
    ];
  }
}

/** What kubectl says, and what to do about it. */
const ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /connection to the server|unable to connect|no such host|i\/o timeout|connection refused/i,
    "is that the cluster? --kubeconfig and --context name another",
  ],
  [
    /no configuration has been provided|context .* does not exist|error loading config|no such file/i,
    "--kubeconfig and --context name another",
  ],
  [/must be logged in|unauthorized|expired/i, "log in to the cluster anew"],
  [/forbidden|cannot .* resource/i, "your user lacks that right: ask for a role that has it"],
];

/** What libraries of kubectl log about each of their tries: the header of klog, `Emmdd hh:mm:ss`. */
const LOG_LINE = /^[IWEF]\d{4} \d\d:\d\d:\d\d/;

/** The failure of a call of kubectl, for people. */
export function kubectlError(
  doing: string,
  { stdout, stderr, code }: Pick<ChildOutcome, "stdout" | "stderr" | "code">,
): ClientError {
  const lines = (stderr.trim() || stdout.trim()).split("\n").filter((line) => !LOG_LINE.test(line));
  // Warnings and retries come before what it ended by.
  const said = lines.at(-1)?.replace(/^(?:error|Error from server(?: \(\w+\))?): /, "") ?? "";
  const seen = said === "" ? `kubectl ended with exit code ${code}` : said;
  const advice = ADVICE.find(([pattern]) => pattern.test(stderr))?.[1];
  const details = lines.slice(0, -1).join("\n");
  return new ClientError(
    "delegate-failure",
    `Cannot ${doing}: ${seen}${advice ? `; ${advice}` : ""}`,
    details === "" ? {} : { details },
  );
}
