/** Another release of this program does what this one was asked for. */
import { ClientError, ConfigError, errorText } from "../errors.ts";
import { runChild } from "./child.ts";

/** Exit code for a command line that must be changed. */
const MISUSED = 2;

/**
 * Runs another executable of ours with arguments of a person's.
 * @returns what it printed.
 * @throws ConfigError, ClientError with what it said.
 */
export async function handOver(
  executable: string,
  args: readonly string[],
  deadlineMs: number,
): Promise<string> {
  const outcome = await runChild(executable, { args, env: {}, stdin: "", deadlineMs }).catch(
    (cause) => {
      const text = `Cannot run "${executable}": ${errorText(cause)}`;
      throw new ConfigError("invalid-config", text, { cause });
    },
  );
  const { code, signal, stdout, stderr } = outcome;
  if (code === 0) return stdout;
  const [said = "", ...details] = stderr.trim().replace(/^headcni: /, "").split("\n");
  const text = said || `Cannot go on: "${executable}" ended with ${signal ?? `exit code ${code}`}`;
  const options = details.length > 0 ? { details: details.join("\n") } : {};
  throw code === MISUSED
    ? new ConfigError("invalid-config", text, options)
    : new ClientError("delegate-failure", text, options);
}
