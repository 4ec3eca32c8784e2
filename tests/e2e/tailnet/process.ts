/** A program of others that runs beside a test; its output is kept for when something goes wrong. */

/** How a process is started. */
export interface ProcessStart {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output is appended. */
  readonly logFile: string;
}

/** A process that is killed at the end of the test. */
export class TestProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #copying: Promise<unknown>;

  private constructor(child: Deno.ChildProcess, copying: Promise<unknown>) {
    this.#child = child;
    this.#copying = copying;
  }

  static start({ command, env = {}, logFile }: ProcessStart): TestProcess {
    const child = new Deno.Command("setpriv", {
      // The kernel ends it when the thread of the test does; see setpriv(1).
      args: ["--pdeathsig", "KILL", ...command],
      env: { PATH: Deno.env.get("PATH") ?? "", ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const log = Deno.openSync(logFile, { create: true, append: true });
    return new TestProcess(child, child.stderr.pipeTo(log.writable).catch(() => {}));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a signal, and waits for the end. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#copying;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
