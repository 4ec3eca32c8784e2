/**
 * Proves that our tests can fail: each breakage is made in a copy of the tree, and the test that
 * guards the line must notice. A test that is not found or a module that does not load is no catch.
 */
import { assert, assertEquals } from "@std/assert";
import { ensureDir } from "@std/fs";
import { dirname, fromFileUrl, join } from "@std/path";
import { parseReport } from "../../scripts/tally.ts";
import { type Breakage, BREAKAGES } from "./breakages.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
/** What the tests that catch need of the tree. */
const COPIED = [
  "chart",
  "commands",
  "deno.json",
  "deno.lock",
  "lib",
  "main.ts",
  "scripts",
  "tests",
];

Deno.test("sabotage: every breakage is caught", async (t) => {
  const tree = await Deno.makeTempDir({ prefix: "hct" });
  let caught = 0;
  try {
    for (const entry of COPIED) await copy(join(ROOT, entry), join(tree, entry));
    for (const breakage of BREAKAGES) {
      const name = `${breakage.file}: ${breakage.text.trim()}`;
      const held = await t.step(name, async () => {
        assertEquals(await outcomeOf(tree, breakage), "passed", "before the breakage");
        using _ = breakIn(tree, breakage);
        assertEquals(await outcomeOf(tree, breakage), "failed", "after the breakage");
      });
      if (held) caught++;
    }
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
  console.log(`${caught} of ${BREAKAGES.length} caught`);
});

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) {
    await ensureDir(dirname(to));
    return await Deno.copyFile(from, to);
  }
  await ensureDir(to);
  for await (const { name } of Deno.readDir(from)) await copy(join(from, name), join(to, name));
}

/** Makes the breakage; disposing of the answer takes it back. */
function breakIn(tree: string, { file, text, replacement }: Breakage): Disposable {
  const path = join(tree, file);
  const source = Deno.readTextFileSync(path);
  assertEquals(source.split(text).length - 1, 1, `how often "${text}" occurs in ${file}`);
  Deno.writeTextFileSync(path, source.replace(text, () => replacement));
  return { [Symbol.dispose]: () => Deno.writeTextFileSync(path, source) };
}

/** What becomes of the named test in the tree; undefined when it does not run at all. */
async function outcomeOf(tree: string, { testFile, test }: Breakage): Promise<string | undefined> {
  const report = join(tree, "report.xml");
  const filter = `--filter=/^${RegExp.escape(test)}$/`;
  const args = ["test", "-A", "--no-check", "--frozen", filter, `--junit-path=${report}`, testFile];
  await Deno.writeTextFile(report, "");
  // What is broken is in the tree, and not in what was built.
  const env = { NO_COLOR: "1", HEADCNI_BIN: "" };
  await new Deno.Command(Deno.execPath(), { args, cwd: tree, env }).output();
  const found = parseReport(await Deno.readTextFile(report)).filter(({ name }) => name === test);
  assert(found.length <= 1, `more than one test is named "${test}"`);
  return found[0]?.outcome;
}
