import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../errors.ts";
import { formatFault } from "./given.ts";
import { examineSettings, loadSettings } from "./load.ts";
import { readFlags } from "./read_flags.ts";

/** A folder with a file of settings. */
class Folder implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "hct" });
  readonly path = `${this.root}/daemon.yaml`;

  write(text: string | Uint8Array<ArrayBuffer>, mode = 0o644): void {
    if (typeof text === "string") Deno.writeTextFileSync(this.path, text);
    else Deno.writeFileSync(this.path, text);
    Deno.chmodSync(this.path, mode);
  }

  /** Texts of the faults, with the folder left out. */
  faults(args: readonly string[] = [], env: Record<string, string> = {}): string[] {
    const request = { line: readFlags(args), env, defaultPath: this.path };
    return examineSettings(request).faults.map(formatFault)
      .map((fault) => fault.replaceAll(this.root, ""));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

Deno.test("loadSettings: the file of --config, else of HEADCNI_CONFIG, else the usual one", () => {
  using folder = new Folder();
  const load = (args: string[], env: Record<string, string> = {}) => {
    const defaultPath = `${folder.root}/usual.yaml`;
    const { settings, file } = loadSettings({ line: readFlags(args), env, defaultPath });
    return [settings.dataDir, file?.replace(folder.root, "")];
  };
  assertEquals(load([], { HEADCNI_CONFIG: "" }), ["/var/lib/headcni", undefined]);
  Deno.writeTextFileSync(`${folder.root}/usual.yaml`, "dataDir: /usual\n");
  Deno.writeTextFileSync(`${folder.root}/env.yaml`, "dataDir: /env\n");
  folder.write("dataDir: /flag\n");
  const env = { HEADCNI_CONFIG: `${folder.root}/env.yaml` };
  assertEquals(load([]), ["/usual", "/usual.yaml"]);
  assertEquals(load([], env), ["/env", "/env.yaml"]);
  assertEquals(load(["--config", folder.path], env), ["/flag", "/daemon.yaml"]);
});

Deno.test("loadSettings: tells where the file would be that is not there", () => {
  using folder = new Folder();
  const { file, path } = loadSettings({ line: readFlags([]), env: {}, defaultPath: folder.path });
  assertEquals([file, path], [undefined, folder.path]);
});

Deno.test("loadSettings: an empty file gives all defaults at a start, and is refused on a reload", () => {
  using folder = new Folder();
  const request = { line: readFlags([]), env: {}, defaultPath: folder.path };
  const said = {
    "": "it is empty, as one that is half-written; for all defaults write a comment",
    "\ufeff \n\t\n": "it is empty, as one that is half-written; for all defaults write a comment",
    "# nothing yet\n": undefined,
    "{}\n": undefined,
  };
  for (const [text, fault] of Object.entries(said)) {
    folder.write(text);
    assertEquals(loadSettings(request).file, folder.path, text);
    const { faults } = examineSettings({ ...request, isReload: true });
    const wanted = fault === undefined ? [] : [`${folder.path}: ${fault}`];
    assertEquals(faults.map(formatFault), wanted, text);
  }
});

Deno.test("loadSettings: throws all faults, one a line", () => {
  using folder = new Folder();
  folder.write("bogus: 1\nsocket: x\n");
  const error = assertThrows(
    () => loadSettings({ line: readFlags([]), env: {}, defaultPath: folder.path }),
    ConfigError,
    "Cannot use the settings of the daemon: 2 faults",
  );
  assertEquals(error.details?.split("\n").length, 2);
});

Deno.test("examineSettings: a file that is named and cannot be read is a fault", () => {
  using folder = new Folder();
  assertEquals(folder.faults(["--config", `${folder.root}/none`]), [
    "/none: there is no such file",
  ]);
  assertEquals(folder.faults(["--config", folder.root, "--bogus"]), [
    "flag --bogus: there is no such flag; --help lists all",
    ": it is no regular file",
  ]);
  folder.write("");
  assertEquals(folder.faults([], { HEADCNI_CONFIG: `${folder.path}/x` }), [
    "/daemon.yaml/x: there is no such file",
  ]);
});

Deno.test("examineSettings: files of any content end with faults, none with an exception", () => {
  using folder = new Folder();
  const texts = ["\0\0\0", "{".repeat(5_000), "[".repeat(5_000), "- - -", "%YAML 9\n", "\ufeff"];
  for (const text of texts) {
    folder.write(text);
    folder.faults();
  }
  folder.write(Uint8Array.from({ length: 4096 }, (_, index) => (index * 7919) % 256));
  assert(folder.faults().length > 0);
  folder.write(Uint8Array.of(0x61, 0x3a, 0x20, 0xff));
  assertEquals(folder.faults().length, 1);
  folder.write(`? "${"x".repeat(200_000)}"\n: 1\n`);
  assertEquals(folder.faults().map((fault) => fault.length < 400), [true]);
  folder.write("a: ".padEnd(1024 * 1024 + 1, "x"));
  assertEquals(folder.faults(), ["/daemon.yaml: it has 1048577 bytes, 1048576 are allowed"]);
});

Deno.test("examineSettings: secrets in the file only when it is root's with mode 0600", () => {
  using folder = new Folder();
  const isRoot = Deno.uid() === 0;
  for (const [mode, isPrivate] of [[0o600, isRoot], [0o400, isRoot], [0o640, false]] as const) {
    folder.write("headscale: {authKey: hs-key-7}\n", mode);
    const faults = folder.faults();
    assertEquals(faults.length, isPrivate ? 0 : 1, mode.toString(8));
    assertEquals(faults.join().includes("hs-key-7"), false);
  }
});

Deno.test("examineSettings: a ConfigMap is a symbolic link of a symbolic link", () => {
  using folder = new Folder();
  Deno.mkdirSync(`${folder.root}/..data_1`);
  Deno.writeTextFileSync(`${folder.root}/..data_1/daemon.yaml`, "dataDir: /d\n");
  Deno.symlinkSync("..data_1", `${folder.root}/..data`);
  Deno.symlinkSync("..data/daemon.yaml", folder.path);
  const { settings } = loadSettings({ line: readFlags([]), env: {}, defaultPath: folder.path });
  assertEquals(settings.dataDir, "/d");
});

Deno.test("examineSettings: warns of the file of a secret that is not there", () => {
  using folder = new Folder();
  const warnings = (env: Record<string, string>) =>
    examineSettings({ line: readFlags([]), env, defaultPath: folder.path }).warnings;
  const file = `${folder.root}/key`;
  assertEquals(warnings({ TS_AUTHKEY_FILE: file }), [
    `tailscale.authKey: there is no file "${file}"`,
  ]);
  Deno.writeTextFileSync(file, "hs-key-7");
  assertEquals(warnings({ TS_AUTHKEY_FILE: file }), []);
});
