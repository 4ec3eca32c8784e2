import { assertEquals, assertThrows } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { writeAtomically } from "./atomic_file.ts";

/** Runs `fn` with a folder of its own. */
function inFolder(fn: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "headcni_atomic_" });
  try {
    fn(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("writeAtomically: writes only what is different, text or mode", () =>
  inFolder((folder) => {
    const path = `${folder}/a.conflist`;
    const write = (text: string, mode: number) => writeAtomically(path, text, { mode });
    assertEquals(write("one", 0o600), true);
    const { ino } = Deno.statSync(path);
    assertEquals([write("one", 0o600), Deno.statSync(path).ino], [false, ino]);
    assertEquals([write("two", 0o600), write("two", 0o666)], [true, true]);
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o666);
    assertEquals(Deno.readTextFileSync(path), "two");
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["a.conflist"]);
  }));

Deno.test("writeAtomically: who has the old file open goes on reading it", () =>
  inFolder((folder) => {
    const path = `${folder}/a.conflist`;
    writeAtomically(path, "old", { mode: 0o600 });
    using file = Deno.openSync(path);
    writeAtomically(path, "new text", { mode: 0o600 });
    const read = new Uint8Array(16);
    assertEquals(file.readSync(read), 3);
  }));

Deno.test("writeAtomically: takes the place of a symlink, not of what it leads to", () =>
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/other`, "text", { mode: 0o600 });
    Deno.symlinkSync("other", `${folder}/link`);
    assertEquals(writeAtomically(`${folder}/link`, "text", { mode: 0o600 }), true);
    assertEquals(writeAtomically(`${folder}/link`, "mine", { mode: 0o600 }), true);
    assertEquals(Deno.readTextFileSync(`${folder}/other`), "text");
  }));

Deno.test("writeAtomically: what cannot be written is named, and nothing is left", () =>
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/taken`);
    for (const path of [`${folder}/taken`, `${folder}/missing/file`]) {
      const write = () => writeAtomically(path, "x", { mode: 0o600 });
      assertThrows(write, HeadcniError, `Cannot write "${path}": `);
    }
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["taken"]);
  }));
