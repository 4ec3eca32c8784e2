/** A tool of the node that may be missing, run for what it prints. */
import { ClientError, errorText } from "../errors.ts";
import { type ChildOptions, type ChildOutcome, runChild } from "./child.ts";

/**
 * Runs a tool to its end, whatever its exit code.
 * @param options more than `PATH` that it needs.
 * @throws ClientError when it is not there, cannot be started, or did not end in time.
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: Partial<ChildOptions> = {},
): Promise<ChildOutcome> {
  const { deadlineMs = 30_000, ...rest } = options;
  const outcome = await runChild(tool, { env: {}, stdin: "", ...rest, args, deadlineMs })
    .catch((cause) => {
      const isMissing = cause instanceof Deno.errors.NotFound;
      const seen = isMissing ? "it is not there; install it" : errorText(cause);
      throw new ClientError("delegate-failure", `Cannot run "${tool}": ${seen}`, { cause });
    });
  if (!outcome.timedOut) return outcome;
  throw new ClientError(
    "delegate-failure",
    `Cannot run "${[tool, ...args].join(" ")}": no end after ${deadlineMs / 1_000} s`,
  );
}
