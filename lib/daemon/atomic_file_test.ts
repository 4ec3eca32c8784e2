import { assertEquals, assertThrows } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { writeAtomically } from "./atomic_file.ts";

async function inFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hct-atomic" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

function modeOf(path: string): number {
  return (Deno.lstatSync(path).mode ?? 0) & 0o7777;
}

Deno.test("writeAtomically: a new file, another text, another mode; nothing where all is so", async () => {
  await inFolder((folder) => {
    const path = `${folder}/a.json`;
    assertEquals(writeAtomically(path, "one\n", { mode: 0o600 }), true);
    const { ino } = Deno.statSync(path);
    assertEquals(writeAtomically(path, "one\n", { mode: 0o600 }), false);
    assertEquals(Deno.statSync(path).ino, ino);
    assertEquals(writeAtomically(path, "two\n", { mode: 0o600 }), true);
    assertEquals(writeAtomically(path, "two\n", { mode: 0o644 }), true);
    assertEquals([Deno.readTextFileSync(path), modeOf(path)], ["two\n", 0o644]);
    assertEquals(names(folder), ["a.json"]);
  });
});

Deno.test("writeAtomically: the mode is the one asked for, whatever the umask", async () => {
  await inFolder((folder) => {
    const umask = Deno.umask(0o077);
    try {
      writeAtomically(`${folder}/a`, "text", { mode: 0o644 });
    } finally {
      Deno.umask(umask);
    }
    assertEquals(modeOf(`${folder}/a`), 0o644);
  });
});

Deno.test("writeAtomically: whoever has the old file open keeps it whole", async () => {
  await inFolder((folder) => {
    const path = `${folder}/a`;
    writeAtomically(path, "old text", { mode: 0o600 });
    using reader = Deno.openSync(path);
    writeAtomically(path, "new", { mode: 0o600 });
    const bytes = new Uint8Array(64);
    const count = reader.readSync(bytes) ?? 0;
    assertEquals(new TextDecoder().decode(bytes.subarray(0, count)), "old text");
  });
});

Deno.test("writeAtomically: what a killed daemon left half is no obstacle", async () => {
  await inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/.a.headcni-new`, "hal");
    assertEquals(writeAtomically(`${folder}/a`, "half", { mode: 0o600 }), true);
    assertEquals(Deno.readTextFileSync(`${folder}/a`), "half");
    assertEquals(names(folder), ["a"]);
  });
});

Deno.test("writeAtomically: a symlink is replaced, and what it leads to is kept", async () => {
  await inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/other`, "theirs");
    Deno.symlinkSync(`${folder}/other`, `${folder}/a`);
    assertEquals(writeAtomically(`${folder}/a`, "theirs", { mode: 0o600 }), true);
    assertEquals(Deno.lstatSync(`${folder}/a`).isFile, true);
    writeAtomically(`${folder}/a`, "ours", { mode: 0o600 });
    assertEquals(Deno.readTextFileSync(`${folder}/other`), "theirs");
  });
});

Deno.test("writeAtomically: a folder in its place, or none around it, is told and left", async () => {
  await inFolder((folder) => {
    Deno.mkdirSync(`${folder}/a/b`, { recursive: true });
    for (const path of [`${folder}/a`, `${folder}/none/a`]) {
      const error = assertThrows(
        () => writeAtomically(path, "text", { mode: 0o600 }),
        HeadcniError,
        `Cannot write "${path}": `,
      );
      assertEquals(error.reason, "io-failure");
    }
    assertEquals(names(folder), ["a"]);
  });
});
