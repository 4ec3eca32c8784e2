import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { missingRuntime, nodeImports, withCommit, withLazyNode, withLazyParts } from "./build.ts";

const OFFLINE = `Compile libexec/plugin.js to headcni
error: Writing deno compile executable to temporary file 'headcni.tmp-69ec'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://deno.test/denort.zip)
    2: failed to lookup address information: Name or service not known

Stack backtrace:
   0: <unknown>
`;

Deno.test("missingRuntime: the last cause of a failed download", () => {
  assertEquals(
    missingRuntime(OFFLINE),
    "failed to lookup address information: Name or service not known",
  );
});

Deno.test("missingRuntime: another failure is none", () => {
  assertEquals(missingRuntime("error: Module not found\n    0: no such file\n"), undefined);
});

Deno.test("nodeImports: each module of Node once, in any quotes", () => {
  const bundle = `import"node:fs";import x from'node:fs/promises';import(\`node:fs\`);let a="node"`;
  assertEquals(nodeImports(bundle), ["node:fs", "node:fs/promises"]);
  assertEquals(nodeImports('const node = { kind: "node:" };'), []);
});

/** Names two modules, uses them as libraries do, and tells which one was loaded when. */
const BUNDLE = `import path from "node:path";
import { basename as nameOf } from "node:path";
import { EventEmitter } from "node:events";
const { getBuiltinModule } = globalThis.process;
const loaded = [];
globalThis.process.getBuiltinModule = (name) => {
  loaded.push(name);
  return getBuiltinModule(name);
};
class Emitter extends EventEmitter {}
const posix = require("node:path/posix"); // Dynamic require of
export const before = [...loaded];
export const used = [path.sep, nameOf("/a/b"), posix.extname("a.b"), new Emitter().listenerCount("x")];
export const after = loaded;
`;

Deno.test("withLazyNode: a module is loaded when it is used, a class at once", async () => {
  const bundle = withLazyNode(BUNDLE);
  assertEquals(bundle.match(/^import .*/gm), ['import { EventEmitter } from "node:events";']);
  const { before, used, after } = await import(
    `data:text/javascript,${encodeURIComponent(bundle)}`
  );
  assertEquals(before, []);
  assertEquals(used, ["/", "b", ".b", 0]);
  assertEquals(after, ["node:path", "node:path", "node:path/posix"]);
});

Deno.test("withLazyNode: a bundle that needs nothing stays as it is", () => {
  assertEquals(withLazyNode("let a = 1;"), "let a = 1;");
});

Deno.test("withLazyParts: no part is named by a literal", () => {
  assertEquals(
    withLazyParts('load: () => import("./status-A1.js"), more: import("node:net")'),
    'load: () => import(new URL("./status-A1.js", import.meta.url).href), more: import("node:net")',
  );
});

Deno.test("withCommit: the version tells of which commit it is", async () => {
  const source = await Deno.readTextFile(new URL("../commands/admin/version.ts", import.meta.url));
  assertStringIncludes(withCommit(source, "abc123-dirty"), 'const COMMIT = "abc123-dirty";');
});

const commandLines: readonly [arg: string, code: number, text: string][] = [
  ["--help", 0, "Usage: deno task build"],
  ["--chek-compile", 2, "did you mean --check-compile?\n--help tells how it is used"],
  ["--prefix", 2, "option '--prefix <dir>' argument missing"],
];

for (const [arg, code, text] of commandLines) {
  Deno.test(`build: ${arg} is answered, and nothing is built`, async () => {
    const script = fromFileUrl(new URL("build.ts", import.meta.url));
    // Without a right to write or to run anything, to be sure.
    const args = ["run", "--allow-read", "--allow-env", script, arg];
    const output = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
    const [stdout, stderr] = [output.stdout, output.stderr]
      .map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(output.code, code, stderr);
    assertStringIncludes(code === 0 ? stdout ?? "" : stderr ?? "", text);
  });
}
