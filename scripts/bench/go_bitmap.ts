/** `bitmap.go` as a contender, where there is a Go to build it. */
import { fromFileUrl, join } from "@std/path";
import { run } from "./side.ts";

const SOURCE = fromFileUrl(new URL("bitmap.go", import.meta.url));

/** The built program; disposing of it removes it. */
export class GoBitmap implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Undefined when no `go` is on the PATH. */
  static async build(): Promise<GoBitmap | undefined> {
    try {
      await run("go", ["version"]);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const directory = await Deno.makeTempDir({ prefix: "hcb-go-" });
    await using undo = new AsyncDisposableStack();
    undo.defer(() => Deno.remove(directory, { recursive: true }));
    await run("go", ["build", "-o", join(directory, "bitmap"), SOURCE]);
    undo.move();
    return new GoBitmap(directory);
  }

  /** Nanoseconds of one call, by sample. */
  async sample(
    work: "pairs" | "first-free",
    addresses: number,
    samples: number,
    calls: number,
  ): Promise<number[]> {
    const numbers = [addresses, samples, calls].map(String);
    return JSON.parse(await run(join(this.#directory, "bitmap"), [work, ...numbers]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}
