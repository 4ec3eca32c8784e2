/** Kills a writer of a file at every system call by which it changes anything. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { removeLeftOvers } from "../../lib/daemon/replace_file.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { isFile } from "./shipped.ts";
import {
  type Change,
  FILE_CHANGES,
  killCommand,
  KILLED,
  type KillTarget,
  listChanges,
  traceCommand,
} from "./strace.ts";

const WRITER = fromFileUrl(new URL("atomic_writer.ts", import.meta.url));
const NAMES = [...FILE_CHANGES, "chmod"];
/** Longer than one page, so that a part could be seen. */
const OLD = "old\n".repeat(5_000);
const NEW = "new text\n".repeat(5_000);

testUnless(
  isFile("/usr/bin/strace") ? "" : "needs strace",
  "writeAtomically, killed anywhere: the file is old or new, and the next writer succeeds",
  async () => {
    const root = await Deno.makeTempDir({ prefix: "hct-atomic" });
    try {
      const changes = await findChanges(root);
      assert(changes.some(({ name }) => name === "rename"), JSON.stringify(changes));
      let killed = 0;
      for (const { name, file, count } of changes) {
        for (let at = 1; at <= count; at++, killed++) {
          await killAt(root, { name, files: [file] }, at);
        }
      }
      console.log(`killed at ${killed} of ${changes.reduce((sum, { count }) => sum + count, 0)}`);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);

/** The folder as it is before the writer comes. */
async function prepare(root: string): Promise<string> {
  const folder = join(root, "folder");
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder);
  await Deno.writeTextFile(join(folder, "file"), OLD, { mode: 0o600 });
  return folder;
}

async function findChanges(root: string): Promise<Change[]> {
  const folder = await prepare(root);
  const notes = join(root, "notes");
  assertEquals(await write(folder, traceCommand({ name: NAMES.join(), files: [] }, notes)), 0);
  return listChanges(await Deno.readTextFile(notes), folder);
}

async function killAt(root: string, target: KillTarget, at: number): Promise<void> {
  const folder = await prepare(root);
  const where = `${target.name} ${target.files} ${at}`;
  assertEquals(await write(folder, killCommand(target, at, join(root, "notes"))), KILLED, where);
  const text = await Deno.readTextFile(join(folder, "file"));
  assert(text === OLD || text === NEW, `${where}: ${text.length} characters`);
  assertEquals(await write(folder, []), 0, where);
  assertEquals(await Deno.readTextFile(join(folder, "file")), NEW, where);
  removeLeftOvers(join(folder, "file")); // as a daemon does when it starts
  assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["file"], where);
}

/** Runs the writer; answers its exit code. */
async function write(folder: string, under: readonly string[]): Promise<number> {
  const own = [Deno.execPath(), "run", "-A", "--no-check", "--frozen", WRITER];
  const [program = "", ...args] = [...under, ...own, join(folder, "file"), NEW];
  if (under.length > 0) args.push("fixed");
  return (await new Deno.Command(program, { args }).output()).code;
}
