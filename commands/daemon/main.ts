/** The node daemon. Not there yet: what it does once its settings are read. */
import { VERSION } from "../../lib/version.ts";
import { answerCommandLine } from "./answer.ts";

/**
 * Reads the command line and the settings.
 * @returns the exit code: 0, 1 for a failure, 2 for what the caller must change.
 */
export function main(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const answer = answerCommandLine(args, env);
  if (answer.kind === "done") return Promise.resolve(answer.code);
  console.error(`headcni ${VERSION}: the node daemon is not part of this release`);
  return Promise.resolve(1);
}
