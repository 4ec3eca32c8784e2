import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Damage, DAMAGES, overwritePage } from "../../tests/fakes/damages.ts";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { StoreError } from "../errors.ts";
import { openStore } from "../store/store.ts";
import { examineStore, salvageStore } from "./examine.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
/** This program from its source. */
const SELF = [Deno.execPath(), "run", "-A", "--unstable-kv", "--no-check", MAIN];

const NO_THREADS = "Deno could not start: unable to create worker threads";

/** A child of which nothing is known but what it prints and how it ends. */
function fakeSelf(script: string): string[] {
  return ["sh", "-c", script];
}

/** Ends as Deno does when its KV panics, and says why. */
function panic(reason: string): string {
  const said =
    `Deno has panicked.\n\nthread 'sw-0' panicked at denokv_sqlite-0.14.0/lib.rs:310:19:\n`;
  return `echo started; echo "${said}${reason}" >&2; exit 1`;
}

const verdicts: readonly [name: string, script: string, seen: string | undefined][] = [
  ["no faults", `echo started; echo '{"faults":[]}'`, undefined],
  ["one fault", `echo started; printf '%s' '{"faults":["a\\nb"]}'`, "a b"],
  ["faults", `echo started; echo '{"faults":["a","b","c","d","e"]}'`, "a; b; c; and 2 more"],
  ["a panic", panic("KV queue_next_ready failed: database disk image is malformed"), "exit code 1"],
  ["a crash", "echo started; kill -SEGV $$", "ended by SIGSEGV"],
];

for (const [name, script, seen] of verdicts) {
  Deno.test(`examineStore: ${name} of the check tells how the file is`, async () => {
    const text = await examineStore(fakeSelf(script), "/s/state.kv");
    if (seen === undefined) assertEquals(text, undefined);
    else assertStringIncludes(text ?? "", seen);
  });
}

const failures: readonly [name: string, self: string[], seen: string][] = [
  ["cannot be started", ["/nonexistent/headcni"], "No such file or directory"],
  ["does not begin", fakeSelf("echo no such role >&2; exit 1"), 'code 1, "no such role"'],
  ["is killed", fakeSelf("echo started; kill -KILL $$"), "ended by SIGKILL"],
  ["gets no thread", fakeSelf(`echo started; echo "${NO_THREADS}" >&2; exit 1`), NO_THREADS],
  ["gets no memory", fakeSelf("echo started; kill -ABRT $$"), "ended by SIGABRT"],
  ["panics over the disk", fakeSelf(panic("KV collect expired failed: disk I/O error")), "code 1"],
  ["is told to end", fakeSelf("echo started; kill -TERM $$"), "ended by SIGTERM"],
  ["ends without a verdict", fakeSelf("echo started"), "exit code 0"],
  ["cannot tell", fakeSelf(`echo started; echo '{"error":"database is locked"}'`), "is locked"],
];

for (const [name, self, seen] of failures) {
  Deno.test(`examineStore: a check that ${name} says nothing about the file`, async () => {
    const error = await assertRejects(() => examineStore(self, "/s/state.kv"), StoreError, seen);
    assertEquals(error.reason, "store-failure");
    assertStringIncludes(error.details ?? "", "try again");
  });
}

/** How damage to the file of a store is told; undefined for not at all. */
const damages: readonly [name: string, damage: Damage | undefined, seen?: string][] = [
  ["a sound file", undefined],
  ["an empty file", DAMAGES["an empty file"], "it holds no schema"],
  ["a truncated file", DAMAGES["a truncated file"], "malformed"],
  ["a file of noise", DAMAGES["a file of noise"], "file is not a database"],
  ["a page that opening does not read", (path, random) => overwritePage(path, 5, random), "Tree 6"],
];

for (const [name, damage, seen] of damages) {
  Deno.test(`examineStore: tells the truth of ${name}`, async () => {
    const root = await Deno.makeTempDir({ prefix: "hct" });
    const store = await openStore({ directory: root, runDirectory: root });
    await store[Symbol.asyncDispose]();
    const path = `${root}/state.kv`;
    damage?.(path, seededRandom().random);
    const text = await examineStore(SELF, path);
    await Deno.remove(root, { recursive: true });
    if (seen === undefined) assertEquals(text, undefined);
    else assertStringIncludes(text ?? "", seen);
  });
}

const salvages: readonly [name: string, script: string, lines: readonly string[]][] = [
  ["all", "echo started; echo a; echo b; echo ended", ["a", "b"]],
  ["what was said before a crash", "echo started; echo a; kill -SEGV $$", ["a"]],
];

for (const [name, script, lines] of salvages) {
  Deno.test(`salvageStore: takes ${name}`, async () => {
    assertEquals(await salvageStore(fakeSelf(script), "/s/state.kv"), lines);
  });
}

Deno.test("salvageStore: fails where another time more may be read", async () => {
  for (const end of ["exit 1", "exit 0", "kill -KILL $$"]) {
    const self = fakeSelf(`echo started; echo a; ${end}`);
    const error = await assertRejects(() => salvageStore(self, "/s/state.kv"), StoreError);
    assertEquals(error.reason, "store-failure");
  }
});
