/** Units of systemd by `systemctl`: what it takes to let a service run that is not our child. */
import { ClientError, errorText } from "../errors.ts";
import { type ChildOutcome, runChild } from "./child.ts";

/** Where systemd is found. */
export interface SystemdPlaces {
  /** There while systemd is what runs the machine: sd_booted(3). */
  readonly booted: string;
  /** Where units of an administrator are, and the links that start them: systemd.unit(5). */
  readonly units: string;
  readonly systemctl: string;
}

/** Those of a node. */
export const SYSTEMD: SystemdPlaces = {
  booted: "/run/systemd/system",
  units: "/etc/systemd/system",
  systemctl: "systemctl",
};

/** A job that hangs must not hang us: systemd goes on with it. */
const DEADLINE_MS = 20_000;

/** One unit, wanted by multi-user.target. */
export class ServiceUnit {
  readonly name: string;
  readonly #places: SystemdPlaces;

  constructor(name: string, places: SystemdPlaces = SYSTEMD) {
    this.name = name;
    this.#places = places;
  }

  /** Where its text belongs; who writes it there calls {@linkcode reload}. */
  get path(): string {
    return `${this.#places.units}/${this.name}`;
  }

  /** Whether systemd runs this machine, or this container. */
  isPossible(): boolean {
    return isThere(this.#places.booted);
  }

  isWritten(): boolean {
    return isThere(this.path);
  }

  /** Whether it starts with the machine; told by its link alone, without a process. */
  isEnabled(): boolean {
    return isThere(`${this.#places.units}/multi-user.target.wants/${this.name}`);
  }

  /** Makes systemd read what was written. @throws ClientError */
  async reload(): Promise<void> {
    await this.#run("reload the units of systemd", ["daemon-reload"]);
  }

  /** Starts it now, and with the machine. @throws ClientError */
  async enable(): Promise<void> {
    await this.#run(`start "${this.name}"`, ["enable", "--now", this.name]);
  }

  /** Starts it with the machine, and not before. @throws ClientError */
  async enableOnly(): Promise<void> {
    await this.#run(`enable "${this.name}"`, ["enable", this.name]);
  }

  /**
   * Starts it, or ends it first; waits until it says that it is ready.
   * @throws ClientError when it ends instead, or says nothing in time.
   */
  async restart(deadlineMs: number): Promise<void> {
    await this.#run(`start "${this.name}"`, ["restart", this.name], deadlineMs);
  }

  /** Stops it now, and does not start it with the machine. @throws ClientError */
  async disable(): Promise<void> {
    await this.#run(`stop "${this.name}"`, ["disable", "--now", this.name]);
  }

  /** Stops it, and takes its text away; what an administrator put beside it stays. @throws ClientError */
  async remove(): Promise<void> {
    await this.disable();
    Deno.removeSync(this.path);
    await this.reload();
  }

  /** Such as `active`, `activating`, `failed`, `inactive`: systemctl(1), is-active. @throws ClientError */
  async state(): Promise<string> {
    const doing = `ask for the state of "${this.name}"`;
    // Its exit code tells the same again.
    return (await this.#systemctl(doing, ["is-active", this.name])).stdout.trim();
  }

  async #run(doing: string, args: readonly string[], deadlineMs?: number): Promise<void> {
    const { code, signal, stderr } = await this.#systemctl(doing, args, deadlineMs);
    if (code === 0) return;
    const said = stderr.trim().replaceAll("\n", "; ");
    throw failure(doing, said || (signal ?? `exit code ${code}`), this.name);
  }

  async #systemctl(
    doing: string,
    args: readonly string[],
    deadlineMs = DEADLINE_MS,
  ): Promise<ChildOutcome> {
    const options = { args, env: { LC_ALL: "C" }, stdin: "", deadlineMs };
    const outcome = await runChild(this.#places.systemctl, options).catch((cause) => {
      throw failure(doing, errorText(cause), this.name, cause);
    });
    if (!outcome.timedOut) return outcome;
    throw failure(doing, `systemctl did not end in ${deadlineMs / 1_000} s`, this.name);
  }
}

function failure(doing: string, seen: string, name: string, cause?: unknown): ClientError {
  const text = `Cannot ${doing}: ${seen}; see "journalctl -u ${name}"`;
  return new ClientError("delegate-failure", text, { cause });
}

/** A link that leads nowhere is there too. */
function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
