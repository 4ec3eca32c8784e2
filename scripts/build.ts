/**
 * Builds the executable: `dist/headcni` and its other names.
 *
 * Each role is bundled, so that a plugin call reads one small file. `deno compile` then makes one
 * program of the bundles. Where the runtime that it embeds cannot be downloaded, the executable is a
 * script instead, which starts a Deno at a fixed path with a cache of its own and names the plugin's
 * bundle by absolute path. So symlinks and copies of it work anywhere.
 */
import { ensureDir } from "@std/fs";
import { fromFileUrl, join, resolve } from "@std/path";
import { newProgram, runProgram } from "../commands/admin/command_line.ts";
import { tryProgram } from "../lib/delegate/try_program.ts";
import { launcherText, V8_FLAGS } from "../lib/node/launcher.ts";

/** The bundle of plugin calls, and the module that it is made of. */
const PLUGIN = { bundle: "plugin.js", entry: "main.ts" } as const;

/**
 * Programs with a folder of bundles each, `main.js` and one for each part that is loaded when it is
 * needed, and the modules that they are made of.
 */
const PROGRAMS = {
  admin: "commands/admin/main.ts",
  daemon: "commands/daemon/main.ts",
  "store-check": "commands/store_check/main.ts",
} as const;

/** The executable, and the other names that choose a role. */
const NAME = "headcni";
const OTHER_NAMES = ["headcni-ipam", "headcni-daemon"];

const ROOT = fromFileUrl(new URL("..", import.meta.url));
const decoder = new TextDecoder();

/**
 * Why `deno compile` has no runtime to embed, in one line; undefined when it failed for another
 * reason.
 */
export function missingRuntime(stderr: string): string | undefined {
  if (!stderr.includes("Setting up base binary")) return undefined;
  const [causes = ""] = stderr.split("Stack backtrace:");
  const numbered = Array.from(causes.matchAll(/^\s+\d+: (.*)$/gm), ([, cause]) => cause);
  return numbered.at(-1) ?? "no cause given";
}

/** Modules of Node that a bundle imports: each costs a plugin call milliseconds. */
export function nodeImports(bundle: string): string[] {
  const names = Array.from(bundle.matchAll(/["'`](node:[\w/]+)["'`]/g), ([, name]) => name ?? "");
  return [...new Set(names)];
}

/** A module of Node that is loaded when something of it is asked for. */
const LAZY_MODULE = `const lazyModule = (name) =>
  new Proxy({}, { get: (_, key) => globalThis.process.getBuiltinModule(name)[key] });
const require = lazyModule;
`;

/**
 * The bundle with modules of Node that are loaded when they are used, which most never are: of the
 * six that libraries of the command line name, each costs a start 5 to 20 ms. Classes stay, for
 * others may extend them. Libraries in the older module format get the `require` that a bundle, a
 * module of the newer one, has not.
 */
export function withLazyNode(bundle: string): string {
  const lazy = bundle
    .replaceAll(/^import (\w+) from ("node:\w+");$/gm, "const $1 = lazyModule($2);")
    .replaceAll(
      /^import \{ ([a-z]\w*)(?: as (\w+))? \} from ("node:\w+");$/gm,
      (_, name, own, module) =>
        `const ${own ?? name} = (...args) => lazyModule(${module}).${name}(...args);`,
    );
  // What esbuild's own `require` says where there is none.
  const isOlder = lazy.includes("Dynamic require of");
  return isOlder || lazy !== bundle ? LAZY_MODULE + lazy : bundle;
}

async function build(prefix: string, ownDeno: boolean): Promise<void> {
  const libexec = join(prefix, "libexec");
  await ensureDir(libexec);
  await bundleAll(libexec);
  for (const name of OTHER_NAMES) {
    await replace(join(prefix, name), (path) => Deno.symlink(NAME, path));
  }
  const failure = await placeProgram(prefix);
  if (failure !== undefined) {
    console.log(`Building the script form, for deno compile cannot be used: ${failure}`);
    await placeScript(prefix, ownDeno);
  }
  console.log(`Built ${join(prefix, NAME)}`);
}

/** Makes the executable with `deno compile`; answers why that cannot be used, or undefined. */
async function placeProgram(prefix: string): Promise<string | undefined> {
  const path = join(prefix, NAME);
  const fresh = `${path}.new`;
  const failure = await compile(join(prefix, "libexec"), fresh);
  if (failure !== undefined) return failure;
  await Deno.rename(fresh, path);
  return await tryProgram(prefix);
}

/** Makes the executable as a script. */
async function placeScript(prefix: string, ownDeno: boolean): Promise<void> {
  const runtime = Deno.execPath();
  await replace(
    join(prefix, "libexec/deno"),
    (path) => ownDeno ? Deno.copyFile(runtime, path) : Deno.symlink(runtime, path),
  );
  await replace(
    join(prefix, NAME),
    (path) => Deno.writeTextFile(path, launcherText(prefix), { mode: 0o755 }),
  );
  const failure = await tryProgram(prefix);
  if (failure !== undefined) throw new Error(`Cannot use what was built: ${failure}`);
}

async function bundleAll(libexec: string): Promise<void> {
  const plugin = join(libexec, PLUGIN.bundle);
  await replace(plugin, (output) => bundle(PLUGIN.entry, [`--output=${output}`]));
  const found = nodeImports(await Deno.readTextFile(plugin));
  if (found.length > 0) throw new Error(`Cannot ship the plugin: it imports ${found.join(", ")}`);
  const commit = await readCommit();
  for (const [role, entry] of Object.entries(PROGRAMS)) {
    await bundleProgram(entry, join(libexec, role), commit);
  }
}

/**
 * The bundle with parts that are read when they are asked for: Deno reads at every start what a literal
 * specifier names.
 */
export function withLazyParts(bundle: string): string {
  return bundle.replaceAll(
    /\bimport\(("\.\/[\w-]+\.js")\)/g,
    "import(new URL($1, import.meta.url).href)",
  );
}

/** The bundle with the commit that it is made of, where it tells that. */
export function withCommit(bundle: string, commit: string): string {
  return bundle.replaceAll(`"{commit of the build}"`, JSON.stringify(commit));
}

/** The commit that is checked out, with `-dirty` where files differ; undefined outside of Git. */
async function readCommit(): Promise<string | undefined> {
  const args = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
  const { code, stdout } = await run("git", { args, cwd: ROOT }).catch(() => NOT_RUN);
  return code === 0 ? stdout.trim() : undefined;
}

/** Bundles a program; at every moment all is there that its `main.js` names. */
async function bundleProgram(
  entry: string,
  folder: string,
  commit: string | undefined,
): Promise<void> {
  const fresh = `${folder}.new`;
  await remove(fresh);
  await bundle(entry, ["--code-splitting", `--outdir=${fresh}`]);
  const names = listNames(fresh).sort((a, b) => Number(a === "main.js") - Number(b === "main.js"));
  await ensureDir(folder);
  for (const name of names) {
    const path = join(fresh, name);
    const bundle = withLazyParts(withLazyNode(await Deno.readTextFile(path)));
    await Deno.writeTextFile(path, commit === undefined ? bundle : withCommit(bundle, commit));
    await Deno.rename(path, join(folder, name));
  }
  await remove(fresh);
  for (const name of listNames(folder)) {
    if (!names.includes(name)) await remove(join(folder, name));
  }
}

function listNames(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name);
}

/**
 * Not minified: esbuild moves what a `using` has into the next statement when it is used only there,
 * and nothing is disposed of then.
 */
async function bundle(entry: string, options: readonly string[]): Promise<void> {
  const { code, stderr } = await deno(["bundle", "--quiet", "--frozen", ...options, entry]);
  if (code === 0) return;
  throw new Error(
    `Cannot bundle "${entry}": deno bundle failed; the first time it fetches esbuild from npm\n` +
      stderr,
  );
}

/** Makes one program of the bundles; answers why there is no runtime for it, or undefined. */
async function compile(libexec: string, output: string, env = {}): Promise<string | undefined> {
  await remove(output);
  const { code, stderr } = await deno([
    ...["compile", "--quiet", "-A", "--unstable-kv", "--no-check", "--no-lock", V8_FLAGS],
    ...Object.keys(PROGRAMS).map((role) => `--include=${join(libexec, role)}`),
    `--output=${output}`,
    join(libexec, PLUGIN.bundle),
  ], env);
  if (code === 0) return undefined;
  const failure = missingRuntime(stderr);
  if (failure !== undefined) return failure;
  throw new Error(`Cannot compile the executable: deno compile failed\n${stderr}`);
}

/** Compiles with the Deno that builds in the place of the runtime: that embeds, but does not run. */
async function proveCompile(): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await bundleAll(folder);
    const output = join(folder, NAME);
    const failure = await compile(folder, output, { DENORT_BIN: Deno.execPath() });
    if (failure !== undefined) throw new Error(`Cannot compile: ${failure}`);
    const program = await Deno.readFile(output);
    const roles = Object.keys(PROGRAMS);
    const bundles = roles.flatMap((role) =>
      listNames(join(folder, role)).map((name) => `${role}/${name}`)
    );
    for (const name of [PLUGIN.bundle, ...bundles]) {
      if (!includes(program, await Deno.readFile(join(folder, name)))) {
        throw new Error(`Cannot find the bundle ${name} in "${NAME}"`);
      }
    }
    console.log(`deno compile embeds plugin, ${roles.join(", ")}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function includes(program: Uint8Array, part: Uint8Array): boolean {
  const bytes = new TextDecoder("latin1");
  return bytes.decode(program).includes(bytes.decode(part));
}

/** Makes a file or link under another name first: a runtime may be calling the old one. */
async function replace(path: string, make: (path: string) => Promise<void>): Promise<void> {
  const fresh = `${path}.new`;
  await remove(fresh);
  await make(fresh);
  await Deno.rename(fresh, path);
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function deno(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return run(Deno.execPath(), { args, env: { ...env, NO_COLOR: "1" }, cwd: ROOT });
}

/** What a finished process left. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of one that could not be started. */
const NOT_RUN: Outcome = { code: -1, stdout: "", stderr: "" };

async function run(command: string, options: Deno.CommandOptions): Promise<Outcome> {
  const output = await new Deno.Command(command, { ...options, stdin: "null" }).output();
  const { code } = output;
  return { code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

/** What `deno task build` is told. */
interface BuildOptions {
  readonly prefix?: string;
  readonly checkCompile?: true;
}

function main(args: readonly string[]): Promise<number> {
  const program = newProgram("deno task build")
    .usage("[OPTIONS]")
    .option(
      "--prefix <dir>",
      "build into this folder instead of dist/, and put a copy of Deno beside the bundles",
    )
    .option("--check-compile", "only prove that deno compile can embed the bundles")
    .action(({ prefix, checkCompile }: BuildOptions) =>
      checkCompile
        ? proveCompile()
        : build(resolve(prefix ?? join(ROOT, "dist")), prefix !== undefined)
    );
  return runProgram(program, args);
}

// Deadlines of children that ended long ago would hold the process for a minute.
if (import.meta.main) Deno.exit(await main(Deno.args));
