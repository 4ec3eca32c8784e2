import { main } from "../../commands/admin/main.ts";
import { configureLog } from "../../lib/log.ts";
import type { ProgramOutcome } from "../cli/program.ts";

/** Runs a command of the administrator's in this process, and answers what it printed. */
export async function runAdmin(
  args: string[],
  env: Readonly<Record<string, string>>,
): Promise<ProgramOutcome> {
  const printed = { stdout: "", stderr: "" };
  const { log, error } = console;
  console.log = (text) => printed.stdout += `${text}\n`;
  console.error = (text) => printed.stderr += `${text}\n`;
  try {
    return { code: await main(args, env), ...printed };
  } finally {
    Object.assign(console, { log, error });
    // The log of this process again, not that of `env`.
    configureLog({ level: "warn" });
  }
}
