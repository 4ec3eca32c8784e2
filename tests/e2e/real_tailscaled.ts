/** A real tailscaled as one of our own would run, in a namespace of the test without a way out. */
import { LocalApi } from "../../lib/tailscale/local_api.ts";
import {
  type OwnTailscaled,
  tailscaledArguments,
  tailscaledEnvironment,
} from "../../lib/tailscale/own_unit.ts";
import { missingRoot } from "../fakes/test_unless.ts";
import { TestNetns } from "../netns/namespace.ts";
import { findPeers } from "./peers.ts";

const { path: PROGRAMS, missing } = findPeers("tailscale");
/** Its executable. */
export const TAILSCALED = `${PROGRAMS}/tailscaled`;

/** For a test that waits for what never comes, in milliseconds. */
export const PATIENCE_MS = 60_000;

/** Why tests of it must be skipped; empty when nothing is missing. */
export function missingTailscaled(): string {
  return missingRoot() || missing;
}

/** One that runs alone in its network and mount namespaces. */
export class RealTailscaled implements AsyncDisposable {
  readonly netns: TestNetns;
  readonly own: OwnTailscaled;
  readonly api: LocalApi;
  readonly #directory: string;
  readonly #child: Deno.ChildProcess;

  private constructor(netns: TestNetns, directory: string, more: readonly string[]) {
    this.netns = netns;
    this.#directory = directory;
    this.own = {
      binary: TAILSCALED,
      socket: `${directory}/tailscaled.sock`,
      stateDirectory: `${directory}/state`,
      interfaceName: "hctun0",
      port: 0,
      mtuBytes: 1300,
      caFile: undefined,
    };
    Deno.mkdirSync(this.own.stateDirectory);
    this.#child = this.command([...tailscaledArguments(this.own), ...more]).spawn();
    this.api = new LocalApi(this.own.socket);
  }

  /** @param config text of a file for `--config`. */
  static async start(config?: string): Promise<RealTailscaled> {
    const netns = await TestNetns.make("ts");
    const directory = await Deno.makeTempDir({ prefix: "hct" });
    const path = `${directory}/config.json`;
    if (config !== undefined) await Deno.writeTextFile(path, config);
    const more = config === undefined ? [] : ["--config", path];
    const tailscaled = new RealTailscaled(netns, directory, more);
    try {
      await tailscaled.#listens();
      return tailscaled;
    } catch (error) {
      await tailscaled[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A command of the executable in its place, which cannot change how the machine resolves names. */
  command(args: readonly string[]): Deno.Command {
    const shield = 'touch "$0/resolv.conf" && mount --bind "$0/resolv.conf" /etc/resolv.conf && ' +
      'exec "$@"';
    return new Deno.Command("nsenter", {
      args: [
        ...[`--net=${this.netns.path}`, "unshare", "--mount", "sh", "-c", shield],
        ...[this.#directory, TAILSCALED, ...args],
      ],
      env: { ...tailscaledEnvironment(this.own) },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api[Symbol.dispose]();
    await this.stop();
    await this.netns[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }

  /** Its folder tells of the socket: when it is made, and again once somebody listens. */
  async #listens(): Promise<void> {
    const watcher = Deno.watchFs(this.#directory);
    const over = AbortSignal.timeout(PATIENCE_MS);
    const ended = this.#child.status.then(() => false);
    const late = new Promise<boolean>((resolve) => {
      over.addEventListener("abort", () => resolve(false));
    });
    const heard = (async () => {
      if (await this.#answers()) return true;
      for await (const _ of watcher) if (await this.#answers()) return true;
      return false;
    })();
    try {
      if (!await Promise.race([heard, ended, late])) throw new Error("tailscaled does not listen");
    } finally {
      watcher.close();
    }
  }

  #answers(): Promise<boolean> {
    return this.api.status().then(() => true, () => false);
  }
}
