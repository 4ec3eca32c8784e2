/** helm(1), by which a release is put into a cluster. */
import { ClientError } from "../errors.ts";
import type { ChildOutcome } from "./child.ts";
import type { ClusterAccess, KubectlOptions } from "./kubectl.ts";
import { runTool } from "./run_tool.ts";

const TOOL = "helm";
/** It waits for hooks of the chart. */
const DEADLINE_MS = 600_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs Helm for one cluster and namespace. */
export class Helm {
  readonly #access: ClusterAccess;

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  /**
   * Runs it, whatever its exit code.
   * @throws ClientError when it cannot be started.
   */
  try(args: readonly string[], options: KubectlOptions = {}): Promise<ChildOutcome> {
    const { kubeconfig, context, namespace, path } = this.#access;
    const line = [
      ...args,
      ...kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`],
      ...context === undefined ? [] : [`--kube-context=${context}`],
      `--namespace=${namespace}`,
    ];
    const env: Record<string, string> = path === undefined ? {} : { PATH: path };
    const limits = { deadlineMs: DEADLINE_MS, maxOutputBytes: MAX_OUTPUT_BYTES };
    return runTool(TOOL, line, { env, ...limits, ...options });
  }

  /**
   * Runs it; answers what it printed.
   * @param doing completes "Cannot ..." in errors, such as `install the release "headcni"`.
   * @throws ClientError with what Helm says.
   */
  async run(
    doing: string,
    args: readonly string[],
    options?: KubectlOptions,
  ): Promise<string> {
    const { code, stdout, stderr } = await this.try(args, options);
    if (code === 0) return stdout;
    const said = stderr.trim().replace(/^Error: /, "").replaceAll("\n", "; ");
    const seen = said || `helm ended with exit code ${code}`;
    throw new ClientError("delegate-failure", `Cannot ${doing}: ${seen}`);
  }
}
