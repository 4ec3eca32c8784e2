import { main } from "../../commands/admin/main.ts";
import { configureLog } from "../../lib/log.ts";
import type { ProgramOutcome } from "../cli/program.ts";
import { printed } from "./printed.ts";

/** Runs a command of the administrator's in this process, and answers what it printed. */
export async function runAdmin(
  args: string[],
  env: Readonly<Record<string, string>>,
): Promise<ProgramOutcome> {
  try {
    const { value, ...rest } = await printed(() => main(args, env));
    return { code: value, ...rest };
  } finally {
    // The log of this process again, not that of `env`.
    configureLog({ level: "warn" });
  }
}
