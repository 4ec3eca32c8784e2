import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError, HeadcniError } from "../../errors.ts";
import { launcherText } from "../../node/launcher.ts";
import { VERSION } from "../../version.ts";
import { copyRelease, isWhole, listReleases, readRelease } from "./release.ts";

/** In the place of Deno: answers as the bundles would. */
const RUNTIME = `#!/bin/sh
[ -n "$CNI_COMMAND" ] && exec echo supportedVersions
[ "$HEADCNI_ROLE" = store-check ] && exec echo started
exec echo "headcni ${VERSION}: Usage"
`;

/** A folder of a test's own with a program of the script form in it. */
async function withProgram(
  fn: (root: string, executable: string) => Promise<void>,
  runtime = RUNTIME,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await Deno.mkdir(`${root}/built/libexec/admin`, { recursive: true });
    await Deno.mkdir(`${root}/opt/releases`, { recursive: true });
    await Deno.writeTextFile(`${root}/built/libexec/plugin.js`, "plugin");
    await Deno.writeTextFile(`${root}/built/libexec/admin/main.js`, "admin");
    await Deno.writeTextFile(`${root}/runtime`, runtime, { mode: 0o755 });
    await Deno.symlink(`${root}/runtime`, `${root}/built/libexec/deno`);
    const executable = `${root}/built/headcni`;
    await Deno.writeTextFile(executable, launcherText(`${root}/built`), { mode: 0o755 });
    await fn(root, executable);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("copyRelease: the script form needs nothing outside of its new folder", () =>
  withProgram(async (root, executable) => {
    const release = await readRelease(executable);
    const folder = `${root}/opt/releases/${release.name}`;
    assertEquals(await isWhole(release, `${root}/opt`), false);
    await copyRelease(release, folder);
    await Deno.remove(`${root}/built`, { recursive: true });
    await Deno.remove(`${root}/runtime`);
    const { code, stdout } = await new Deno.Command(`${folder}/headcni`, { args: ["version"] })
      .output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, `headcni ${VERSION}: Usage\n`]);
    assertEquals(await Deno.readTextFile(`${folder}/headcni`), launcherText(folder));
    // From there it is the same release.
    assertEquals((await readRelease(`${folder}/headcni`)).name, release.name);
    assertEquals(listReleases(`${root}/opt`), [release.name]);
  }));

Deno.test("isWhole: one with another file, or without one, is made anew", () =>
  withProgram(async (root, executable) => {
    const release = await readRelease(executable);
    const folder = `${root}/opt/releases/${release.name}`;
    const damages = [
      () => Deno.writeTextFile(`${folder}/libexec/plugin.js`, "other"),
      () => Deno.remove(`${folder}/libexec/admin/main.js`),
      () => Deno.remove(`${folder}/libexec/deno`),
      () => Deno.writeTextFile(`${folder}/headcni`, launcherText(`${root}/built`)),
      () => Deno.remove(`${folder}/headcni-ipam`),
    ];
    for (const damage of damages) {
      await copyRelease(release, folder);
      assertEquals(await isWhole(release, `${root}/opt`), true);
      await damage();
      assertEquals(await isWhole(release, `${root}/opt`), false);
    }
    await copyRelease(release, folder);
    assertEquals(listReleases(`${root}/opt`), [release.name]);
  }));

Deno.test("copyRelease: one that does not run there is not left", () =>
  withProgram(async (root, executable) => {
    const release = await readRelease(executable);
    await assertRejects(
      () => copyRelease(release, `${root}/opt/releases/${release.name}`),
      HeadcniError,
      'ended with 3 and "no"',
    );
    assertEquals(listReleases(`${root}/opt`), []);
  }, "#!/bin/sh\necho no >&2\nexit 3\n"));

Deno.test("readRelease: one file of the compiled form, and what is no program of ours", () =>
  withProgram(async (root, executable) => {
    await Deno.writeFile(`${root}/compiled`, new TextEncoder().encode("\x7fELF program"));
    const compiled = await readRelease(`${root}/compiled`);
    assertEquals([compiled.isScript, [...compiled.files]], [false, [
      ["headcni", `${root}/compiled`],
    ]]);
    const script = await readRelease(executable);
    assertEquals([...script.files.keys()], [
      "libexec/admin/main.js",
      "libexec/deno",
      "libexec/plugin.js",
    ]);
    await assertRejects(() => readRelease(`${root}/runtime`), ConfigError, "it is no headcni");
    await assertRejects(() => readRelease(undefined), ConfigError, "runs from its source");
    await assertRejects(() => readRelease(`${root}/none`), HeadcniError, "Cannot read");
  }));

Deno.test("listReleases: what was being copied counts, what somebody else put there does not", () =>
  withProgram(async (root) => {
    const name = "0.1.0-0123456789ab";
    for (const each of [name, `.${name}.new`, `.${name}.old`, "notes", "0.1.0"]) {
      await Deno.mkdir(`${root}/opt/releases/${each}`);
    }
    assertEquals(listReleases(`${root}/opt`), [`.${name}.new`, `.${name}.old`, name]);
    assertEquals(listReleases(`${root}/none`), []);
  }));
