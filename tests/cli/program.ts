/**
 * The real program as a child process: the executable that `HEADCNI_BIN` names, else `main.ts`
 * run by the Deno that runs the tests.
 */
import { fromFileUrl } from "@std/path";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** How the program is called. */
export interface ProgramCall {
  /** A command that runs what stands behind it, such as nsenter(1). */
  readonly enter?: readonly string[];
  /** Another executable than the usual one. */
  readonly executable?: string;
  readonly args?: readonly string[];
  /** All that it finds in its environment, beside what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  /** A module that runs before `main.ts`, whatever `HEADCNI_BIN` says. */
  readonly preload?: string;
  /** Nobody reads its standard output. */
  readonly closeStdout?: boolean;
}

/** What it did. */
export interface ProgramOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export async function runProgram(call: ProgramCall): Promise<ProgramOutcome> {
  const child = commandOf(call).spawn();
  const stdout = call.closeStdout
    ? child.stdout.cancel().then(() => "")
    : new Response(child.stdout).text();
  const stderr = new Response(child.stderr).text();
  if (call.closeStdout) await stdout;
  await feed(child.stdin, call.stdin ?? "");
  const { code } = await child.status;
  return { code, stdout: await stdout, stderr: await stderr };
}

/** The program as one file: as it was built, else a script in `directory` that runs `main.ts`. */
export async function executableFile(directory: string): Promise<string> {
  const built = Deno.env.get("HEADCNI_BIN");
  if (built) return built;
  const path = `${directory}/headcni`;
  const shebang = `#!/usr/bin/env -S ${Deno.execPath()} run -A --unstable-kv --config=${CONFIG}`;
  await Deno.writeTextFile(path, `${shebang} --ext=js\nimport ${JSON.stringify(MAIN)};\n`, {
    mode: 0o755,
  });
  return path;
}

function commandOf(call: ProgramCall): Deno.Command {
  const { enter = [], args = [], env = {}, preload } = call;
  const built = preload === undefined ? Deno.env.get("HEADCNI_BIN") : undefined;
  const executable = call.executable ?? built;
  const source = ["run", "-A", "--unstable-kv", ...preload ? [`--preload=${preload}`] : [], MAIN];
  const program = executable ? [executable] : [Deno.execPath(), ...source];
  const [command = "", ...rest] = [...enter, ...program, ...args];
  return new Deno.Command(command, {
    args: rest,
    env: { ...inherited(), ...env },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/**
 * What Deno needs to find its cache. No daemon starts, and nothing is uninstalled, on the machine
 * itself: the settings that a call does not name are those of a file that is not there.
 */
function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR"];
  return {
    ...Object.fromEntries(names.map((name) => [name, Deno.env.get(name) ?? ""])),
    HEADCNI_CONFIG: "/dev/null/none",
  };
}

/** A program that has seen enough closes its input: no fault of the caller's. */
async function feed(
  stream: WritableStream<Uint8Array>,
  input: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const writer = stream.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
