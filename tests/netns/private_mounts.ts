/** Mounts that only those see who enter: full, read-only or empty file systems of a test's own. */
import { assertEquals } from "@std/assert";
import { run } from "./namespace.ts";

/** A mount namespace; it follows the mounts of ours, and keeps its own to itself. */
export class PrivateMounts implements AsyncDisposable {
  /** Put before a command to run it there. */
  readonly enter: readonly string[];
  readonly #keeper: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(
    keeper: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<Uint8Array>,
  ) {
    this.enter = ["nsenter", "-t", String(keeper.pid), "-m"];
    this.#keeper = keeper;
    this.#output = output;
  }

  /** Makes one; a script of the shell, such as `mount -t tmpfs x /mnt`, runs in it first. */
  static async make(script: string): Promise<PrivateMounts> {
    const keeper = new Deno.Command("unshare", {
      args: ["-m", "--propagation", "slave", "sh", "-ec", `${script}\necho ready; read -r _`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const output = keeper.stdout.getReader();
    const { value } = await output.read();
    assertEquals(new TextDecoder().decode(value), "ready\n");
    return new PrivateMounts(keeper, output);
  }

  /** Runs a script of the shell there, and answers what it prints. */
  run(script: string): Promise<string> {
    const [command = "", ...args] = this.enter;
    return run(command, ...args, "sh", "-ec", script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper.stdin.close();
    await this.#output.cancel();
    await this.#keeper.status;
  }
}

/**
 * Empty directories in the place of the machine's, but for the namespaces of tests.
 * @param root folder of the test, in which they lie.
 */
export function emptyDirectories({ root }: { readonly root: string }): Promise<PrivateMounts> {
  return PrivateMounts.make(`
    mkdir ${root}/mounted
    mount -t tmpfs hct ${root}/mounted
    mkdir ${root}/mounted/netns
    mount --rbind /run/netns ${root}/mounted/netns
    mount --rbind ${root}/mounted /run
    mount -t tmpfs hct /var/lib
    mount -t tmpfs hct /var/log
    mkdir /var/lib/cni`);
}
