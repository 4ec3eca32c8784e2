import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { watchFile, watchFolders } from "./watch_paths.ts";

/** For what never comes, in milliseconds. */
const PATIENCE_MS = 20_000;

/** What a watcher's callback finds at each call, for a test to wait for. */
class Finds {
  readonly #look: () => string;
  #wanted: string | undefined;
  #found = Promise.withResolvers<void>();

  constructor(look: () => string) {
    this.#look = look;
  }

  readonly call = (): void => {
    if (this.#look() === this.#wanted) this.#found.resolve();
  };

  /** Does something, and waits until a callback after it finds what is wanted. */
  async after(wanted: string, act: () => void): Promise<void> {
    this.#found = Promise.withResolvers();
    this.#wanted = wanted;
    const timer = setTimeout(
      () => this.#found.reject(new Error(`Cannot see "${wanted}": there is "${this.#look()}"`)),
      PATIENCE_MS,
    );
    try {
      act();
      await this.#found.promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

function textAt(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "none";
  }
}

/** Runs with an empty folder and a signal; what it answers ends by that signal. */
async function inFolder(
  fn: (folder: string, signal: AbortSignal) => Promise<{ watching: Promise<void> }>,
): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "hct" });
  const end = new AbortController();
  try {
    const { watching } = await fn(folder, end.signal);
    end.abort();
    await watching;
  } finally {
    end.abort();
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("watchFolders: a folder that comes, is replaced, and goes", () =>
  inFolder(async (root, signal) => {
    const [folder, path] = [`${root}/net.d`, `${root}/net.d/x`];
    const finds = new Finds(() => textAt(path));
    let watching = Promise.resolve();
    await finds.after("none", () => void (watching = watchFolders([folder], finds.call, signal)));
    for (let round = 0; round < 3; round++) {
      await finds.after(`first ${round}`, () => {
        Deno.mkdirSync(folder);
        Deno.writeTextFileSync(path, `first ${round}`);
      });
      await finds.after(`second ${round}`, () => Deno.writeTextFileSync(path, `second ${round}`));
      await finds.after("none", () => {
        Deno.renameSync(folder, `${root}/old${round}`);
        Deno.mkdirSync(folder);
      });
      await finds.after(`third ${round}`, () => Deno.writeTextFileSync(path, `third ${round}`));
      await finds.after("none", () => Deno.removeSync(folder, { recursive: true }));
    }
    return { watching };
  }));

Deno.test("watchFile: an editor's rename, a ConfigMap's symlink, and writing in place", () =>
  inFolder(async (root, signal) => {
    const path = `${root}/daemon.yaml`;
    for (const name of ["one", "two"]) {
      Deno.mkdirSync(`${root}/..${name}`);
      Deno.writeTextFileSync(`${root}/..${name}/daemon.yaml`, name);
    }
    Deno.symlinkSync("..one", `${root}/..data`);
    Deno.symlinkSync("..data/daemon.yaml", path);
    const finds = new Finds(() => textAt(path));
    const watching = watchFile(path, finds.call, signal);
    await finds.after("two", () => {
      Deno.symlinkSync("..two", `${root}/..data_tmp`);
      Deno.renameSync(`${root}/..data_tmp`, `${root}/..data`);
    });
    await finds.after("three", () => {
      Deno.writeTextFileSync(`${root}/new`, "three");
      Deno.renameSync(`${root}/new`, path);
    });
    await finds.after("in place", () => Deno.writeTextFileSync(path, "in place"));
    await finds.after("none", () => Deno.removeSync(path));
    await finds.after("again", () => Deno.writeTextFileSync(path, "again"));
    return { watching };
  }));

Deno.test("watchFile: a file that is not there yet, nor its folder", () =>
  inFolder(async (root, signal) => {
    const path = `${root}/headcni/daemon.yaml`;
    const finds = new Finds(() => textAt(path));
    const watching = watchFile(path, finds.call, signal);
    await finds.after("first", () => {
      Deno.mkdirSync(dirname(path));
      Deno.writeTextFileSync(path, "first");
    });
    await finds.after("second", () => Deno.writeTextFileSync(path, "second"));
    return { watching };
  }));

Deno.test("watchFile: a file that is emptied and written later is told of once, when it is whole", () =>
  inFolder(async (root, signal) => {
    const path = `${root}/daemon.yaml`;
    Deno.writeTextFileSync(path, "old");
    const seen: string[] = [];
    const finds = new Finds(() => textAt(path));
    const onChange = () => {
      seen.push(textAt(path));
      finds.call();
    };
    // What happens while it waits.
    const writes = ["", "half", "whole"];
    const settle = () => {
      const text = writes.shift();
      if (text !== undefined) Deno.writeTextFileSync(path, text);
      return Promise.resolve();
    };
    const watching = watchFile(path, onChange, signal, settle);
    await finds.after("whole", () => Deno.writeTextFileSync(path, "longer than old"));
    assertEquals(seen, ["whole"]);
    return { watching };
  }));
