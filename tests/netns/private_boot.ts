/** A boot id of a test's own: the kernel's changes only when a machine starts anew. */
import { PrivateMounts } from "./private_mounts.ts";

/** What those see as the boot who enter; disposing of it lets go of its mounts. */
export class PrivateBoot implements AsyncDisposable {
  /** Put before a command to run it there. */
  readonly enter: readonly string[];
  readonly #mounts: PrivateMounts;
  readonly #file: string;

  private constructor(mounts: PrivateMounts, file: string) {
    this.enter = mounts.enter;
    this.#mounts = mounts;
    this.#file = file;
  }

  /** Makes one; its file lies in `directory`. */
  static async make(directory: string): Promise<PrivateBoot> {
    const file = `${directory}/boot_id`;
    await Deno.writeTextFile(file, `${crypto.randomUUID()}\n`);
    const mounts = await PrivateMounts.make(`mount --bind ${file} /proc/sys/kernel/random/boot_id`);
    return new PrivateBoot(mounts, file);
  }

  /** Begins another boot. What a real one takes away the test must take away itself. */
  async reboot(): Promise<void> {
    await Deno.writeTextFile(this.#file, `${crypto.randomUUID()}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#mounts[Symbol.asyncDispose]();
  }
}
