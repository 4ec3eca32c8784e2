/** The one executable: chooses the role, and is the only place that ends the process. */
import { answerPluginCall, deliver } from "./commands/plugin.ts";
import { chooseRole, isPluginRole, type PluginRole, type ProgramRole } from "./commands/role.ts";
import { type Answer, failure } from "./lib/cni/protocol.ts";

/** A role that is a program of its own: `commands/<role>/main.ts`, with `_` for `-`. */
interface Program {
  /** Answers the exit code. */
  main(args: readonly string[], env: Record<string, string>): Promise<number>;
}

const env = Deno.env.toObject();
const { role, args } = chooseRole(programName(), Deno.args, env);
if (isPluginRole(role)) servePlugin(role);
else Deno.exit(await runProgram(role));

/**
 * The path by which we were called, symlinks not resolved: a script is its own main module, a
 * compiled executable has a module inside itself and its path as first argument.
 */
function programName(): string {
  if (!Deno.build.standalone) return Deno.mainModule;
  return Deno.readTextFileSync("/proc/self/cmdline").split("\0", 1)[0] ?? "";
}

async function runProgram(role: ProgramRole): Promise<number> {
  // Deno reads what a literal specifier names at every start: 2 ms that no plugin call should pay.
  const program: Program = await import(programUrl(role));
  return await program.main(args, env);
}

/** Where a program is: in the source tree, or as bundles in a folder beside the plugin's. */
function programUrl(role: ProgramRole): string {
  const isSource = import.meta.url.endsWith(".ts");
  const source = `./commands/${role.replace("-", "_")}/main.ts`;
  return new URL(isSource ? source : `./${role}/main.js`, import.meta.url).href;
}

/**
 * Answers one call of a runtime and ends. Whatever goes wrong where nobody catches it is an error
 * object as well, and never a second one. No `await` at the top: a call that waits for what never
 * comes ends in `beforeunload`.
 */
function servePlugin(role: PluginRole): void {
  let isAnswered = false;
  const finish = async (answer: Answer) => {
    if (isAnswered) Deno.exit(1);
    isAnswered = true;
    Deno.exit(await deliver(answer));
  };
  const crash = (event: Event, error: unknown) => {
    event.preventDefault();
    finish(failure(error));
  };
  addEventListener("unhandledrejection", (event) => crash(event, event.reason));
  addEventListener("error", (event) => crash(event, event.error));
  addEventListener("beforeunload", (event) => {
    crash(event, new Error("Cannot finish the call: it waits for something that never comes"));
  });
  // One turn later no stack goes down to this module: V8 would parse the whole bundle again, for
  // 3 ms, to find the source position of the first error.
  Promise.resolve().then(() => answerPluginCall(role, env)).then(finish);
}
