/**
 * Keeps the levels and fences of the design: who may import whom, and which file alone may do what.
 * Each rule is a function of plain data, tried on a bad example too: a rule that cannot fail keeps
 * nothing.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { VERSION } from "../lib/version.ts";

/** What decides, and asks nobody: all but the log and the adapters of @std. */
const PURE_ROWS: readonly (readonly string[])[] = [
  // Level 0: values, and the adapters of @std.
  [
    ...["lib/attachment.ts", "lib/batches.ts", "lib/byte_length.ts", "lib/errors.ts"],
    ...["lib/fnv1a64.ts", "lib/nearest.ts", "lib/pause.ts", "lib/std", "lib/version.ts"],
    "lib/wire",
  ],
  ["lib/log_file.ts", "lib/net", "lib/redact.ts", "lib/schema.ts"],
  ["lib/log.ts", "lib/redact_text.ts"],
  // Level 1: the formats of others, and decisions about addresses.
  ["lib/cni", "lib/conntrack", "lib/host", "lib/ipam", "lib/netlink", "lib/nft"],
  // Level 2: files of the node, decisions about the node and about a pod.
  ["lib/discovery"],
  ["lib/pod"],
  // What the daemon gives the runtimes is checked by the parsers of a pod's plugin.
  ["lib/node"],
  ["lib/mesh"],
  ["lib/doctor"],
];

/** What works on something outside. */
const EFFECT_ROWS: readonly (readonly string[])[] = [
  // Level 3: effects, one outside thing a folder.
  ["lib/delegate", "lib/headscale", "lib/kube", "lib/linux", "lib/store", "lib/tailscale"],
  // Level 4: what any role calls.
  ["lib/attach", "lib/platform.ts"],
  ["lib/daemon"],
  // Level 5: the roles.
  ["commands/context.ts", "commands/role.ts", "commands/streams.ts"],
  ["commands/logged.ts"],
  ["commands/admin", "commands/cni", "commands/daemon", "commands/ipam", "commands/loopback"],
  ["commands/store_check"],
  ["commands/plugin.ts"],
  // Level 6.
  ["main.ts"],
];

/** Lowest first. A folder or file imports only from rows above its own; rows of one level are steps. */
const ROWS = [...PURE_ROWS, ...EFFECT_ROWS];

/** What only these files or folders may say. */
const FENCES: readonly [pattern: RegExp, places: readonly string[]][] = [
  [/\bDeno\.dlopen\b/, ["lib/linux/libc.ts"]],
  [/\bDeno\.exit\b/, ["main.ts"]],
  [/\bDeno\.build\.os\b/, ["lib/platform.ts"]],
  [/\bDeno\.openKv\b/, ["lib/store/"]],
  [/\bDeno\.Command\b/, ["lib/delegate/"]],
  [/["']node:/, ["commands/store_check/", "lib/daemon/"]],
  [/\bDeno\.(env|args)\b/, ["main.ts"]],
  [
    /\b(Deno\.|Date\.now\b|new Date\b|performance\.|Math\.random\b)/,
    ["lib/log.ts", "lib/log_file.ts", "lib/std/", ...EFFECT_ROWS.flat()],
  ],
];

/** What no file of ours says, not even in a comment. */
const UNWANTED = /\bexport default\b|\bdeno-lint-ignore\b|\b(TODO|FIXME)\b/;

/** What a plugin call must not pay for, in any file that it loads. */
const COSTLY = /\b(process|setTimeout|setInterval|createRequire|Deno\.stdin\.readable|Intl)\b/;

/** What the folder of the project holds, beside what .gitignore names. */
const TOP_LEVEL = [
  ...[".ci", ".git", ".gitignore", "LICENSE", "README.md", "README.zh.md", "chart", "commands"],
  ...["deno.json", "deno.lock", "lib", "main.ts", "scripts", "tests"],
];

const MAX_LINES = 400;

/** A file of ours. */
interface Source {
  /** Below the folder of the project. */
  readonly path: string;
  readonly text: string;
}

/** One import, type imports too; paths are below the folder of the project. */
interface Import {
  readonly from: string;
  readonly to: string;
}

/** The folder of two parts or the file that a path belongs to. */
function unitOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

function misplacedImports(imports: readonly Import[]): string[] {
  const row = (path: string) => ROWS.findIndex((units) => units.includes(unitOf(path)));
  return imports.filter(({ from, to }) => unitOf(from) !== unitOf(to)).flatMap(({ from, to }) => {
    if (row(from) < 0 || row(to) < 0) return [`${from} imports ${to}: no level is known for one`];
    return row(from) > row(to) ? [] : [`${from} imports ${to}, which is not below it`];
  });
}

function brokenFences(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) =>
    FENCES.filter(([pattern, places]) =>
      pattern.test(withoutComments(text)) && !places.some((place) => path.startsWith(place))
    ).map(([pattern, places]) => `${path} says ${pattern.source}: only ${places.join(", ")} may`)
  );
}

function unwantedWords(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const found = UNWANTED.exec(text);
    return found ? [`${path} says ${found[0]}`] : [];
  });
}

/** Good enough for our own code: a `//` inside a text is not preceded by white space. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
}

function costlyNames(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const found = COSTLY.exec(withoutComments(text).replaceAll(/(["'`]).*?\1/g, ""));
    return found ? [`${path} uses ${found[0]}`] : [];
  });
}

function foreignModules(specifiers: readonly string[]): string[] {
  return specifiers.filter((specifier) => !/^(file:|npm:\/?(ipaddr\.js|valibot)@)/.test(specifier));
}

function tooLong(sources: readonly Source[]): string[] {
  return sources.filter(({ text }) => text.split("\n").length - 1 > MAX_LINES)
    .map(({ path }) => path);
}

function unexpectedEntries(names: readonly string[], ignored: readonly string[]): string[] {
  return names.filter((name) => !TOP_LEVEL.includes(name) && !ignored.includes(name));
}

const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** Paths of the TypeScript files and scripts below a folder. */
function listFiles(folder: string): string[] {
  return Array.from(Deno.readDirSync(join(ROOT, folder))).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? listFiles(path) : [path];
  }).sort();
}

function readSource(path: string): Source {
  return { path, text: Deno.readTextFileSync(join(ROOT, path)) };
}

const shipped = ["main.ts", ...["commands", "lib"].flatMap(listFiles)]
  .filter((path) => path.endsWith(".ts") && !path.endsWith("_test.ts"));

/** The part of `deno info --json` that is read here. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

async function readGraph(...entries: string[]): Promise<ModuleGraph> {
  const list = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = entries.map((path) =>
      `import ${JSON.stringify(`file://${join(ROOT, path)}`)};\n`
    );
    await Deno.writeTextFile(list, lines.join(""));
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", `--config=${join(ROOT, "deno.json")}`, list],
    }).output();
    const graph: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
    const self = `file://${list}`;
    return { modules: graph.modules.filter(({ specifier }) => specifier !== self) };
  } finally {
    await Deno.remove(list);
  }
}

function importsOf({ modules }: ModuleGraph): Import[] {
  const base = `file://${ROOT}`;
  return modules.flatMap(({ specifier, dependencies = [] }) =>
    dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier])
      .filter((to) => to !== undefined && to.startsWith(base))
      .map((to = "") => ({ from: specifier.slice(base.length), to: to.slice(base.length) }))
  );
}

Deno.test("levels: every file imports only from below", async () => {
  const imports = importsOf(await readGraph(...shipped));
  assert(imports.length > shipped.length);
  assertEquals(misplacedImports(imports), []);
});

Deno.test("levels: an import of a neighbour, from above, or of no level is found", () => {
  const found = misplacedImports([
    { from: "lib/pod/plan.ts", to: "lib/pod/facts.ts" },
    { from: "lib/pod/plan.ts", to: "lib/net/mac.ts" },
    { from: "lib/nft/model.ts", to: "lib/netlink/link.ts" },
    { from: "lib/net/mac.ts", to: "lib/log.ts" },
    { from: "lib/other/x.ts", to: "lib/net/mac.ts" },
  ]);
  assertEquals(found.map((text) => text.split(" ")[0]), [
    "lib/nft/model.ts",
    "lib/net/mac.ts",
    "lib/other/x.ts",
  ]);
});

Deno.test("fences: what one file alone may say, no other says", () => {
  assertEquals(brokenFences(shipped.map(readSource)), []);
});

Deno.test("fences: each is found when broken, and a comment breaks none", () => {
  const text = "Deno.dlopen(); Deno.exit(1); Deno.build.os; Deno.openKv(); Deno.args; " +
    "new Deno.Command(); Deno.env; import('node:fs')";
  assertEquals(brokenFences([{ path: "lib/pod/x.ts", text }]).length, FENCES.length);
  const comments = `/* Deno.exit */ const a = 1; // Deno.exit\n  // Deno.dlopen`;
  assertEquals(brokenFences([{ path: "lib/pod/x.ts", text: comments }]), []);
  assertEquals(brokenFences([{ path: "main.ts", text: "Deno.exit(1)" }]), []);
});

Deno.test("plugin: loads nothing but our files, ipaddr.js and valibot", async () => {
  const { modules } = await readGraph("main.ts");
  assertEquals(foreignModules(modules.map(({ specifier }) => specifier)), []);
});

Deno.test("plugin: a module of Node or another package is found", () => {
  const bad = ["node:fs", "npm:/hono@4.13.19", "https://a.test/b.ts", "npm:/yaml@2.9.1"];
  bad.push("npm:/valibot-extra@1.0.0");
  assertEquals(foreignModules(["file:///a.ts", "npm:/valibot@1.5.0", ...bad]), bad);
});

Deno.test("plugin: uses nothing that costs milliseconds", async () => {
  const base = `file://${ROOT}`;
  const { modules } = await readGraph("main.ts");
  const own = modules.map(({ specifier }) => specifier).filter((each) => each.startsWith(base));
  const sources = own.map((specifier) => readSource(specifier.slice(base.length)));
  assert(sources.length > 20);
  assertEquals(costlyNames(sources), []);
});

Deno.test("plugin: a costly name is found, in a text or comment it is none", () => {
  const text = (code: string) => costlyNames([{ path: "a.ts", text: code }]);
  assertEquals(text("setTimeout(f, 1)"), ["a.ts uses setTimeout"]);
  assertEquals(text("Deno.stdin.readable"), ["a.ts uses Deno.stdin.readable"]);
  assertEquals(text('// process\nconst a = "a process";'), []);
});

Deno.test("files: none is longer than 400 lines", () => {
  const files = ["main.ts", ...["commands", "lib", "scripts", "tests"].flatMap(listFiles)];
  const own = files.filter((path) => !/^tests\/fixtures\/|\/go\.sum$/.test(path));
  assertEquals(tooLong(own.map(readSource)), []);
});

Deno.test("files: no default export, no exception from lint, nothing left to do", () => {
  const own = [...shipped, ...listFiles("scripts"), ...listFiles("tests")]
    .filter((path) => path.endsWith(".ts") && path !== "tests/architecture_test.ts");
  assertEquals(unwantedWords(own.map(readSource)), []);
});

Deno.test("files: an unwanted word is found", () => {
  for (const text of ["export default 1;", "// deno-lint-ignore no-x", "/* TODO: more */"]) {
    assertEquals(unwantedWords([{ path: "a.ts", text }]).length, 1, text);
  }
  assertEquals(unwantedWords([{ path: "a.ts", text: "export const defaults = 1;" }]), []);
});

Deno.test("files: a line too many is found", () => {
  const lines = (count: number) => ({ path: `${count}`, text: "x\n".repeat(count) });
  assertEquals(tooLong([lines(400), lines(401)]), ["401"]);
});

Deno.test("files: the top level holds what it must and nothing else", () => {
  const ignored = readSource(".gitignore").text.split("\n").map((line) => line.replaceAll("/", ""));
  const names = Array.from(Deno.readDirSync(ROOT), ({ name }) => name);
  assertEquals(unexpectedEntries(names, ignored), []);
  const missing = TOP_LEVEL.filter((name) => !names.includes(name));
  assertEquals(missing.filter((name) => name !== "chart" && name !== ".git"), []);
});

Deno.test("files: an unknown entry of the top level is found", () => {
  assertEquals(unexpectedEntries(["lib", "dist", "notes.md"], ["dist"]), ["notes.md"]);
});

Deno.test("deno.json: carries the release", () => {
  assertEquals(JSON.parse(readSource("deno.json").text).version, VERSION);
});

Deno.test("deno.lock: holds no download address", () => {
  assertEquals(readSource("deno.lock").text.match(/https?:/g), null);
});
