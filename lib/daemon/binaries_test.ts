import { assertEquals, assertRejects } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { assertBinaries, examineBinaries, removeBinaries } from "./binaries.ts";

/** Runs `fn` with a source and a folder for executables, which is not there yet. */
async function withSource(fn: (source: string, bin: string) => Promise<void>): Promise<void> {
  const root = Deno.makeTempDirSync({ prefix: "headcni_bin_" });
  try {
    Deno.writeTextFileSync(`${root}/headcni`, "#!/bin/sh\necho one\n", { mode: 0o755 });
    await fn(`${root}/headcni`, `${root}/opt/cni/bin`);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

/** What a call changed, without the folder. */
async function installed(bin: string, source: string): Promise<string[]> {
  return (await assertBinaries(bin, source))
    .map(({ path, reason }) => `${path.slice(bin.length + 1)}: ${reason}`);
}

Deno.test("assertBinaries: installs all names once", () =>
  withSource(async (source, bin) => {
    assertEquals(await installed(bin, source), [
      "headcni: missing",
      "headcni-ipam: missing",
      "loopback: missing",
    ]);
    assertEquals(await installed(bin, source), []);
    for (const name of ["headcni", "headcni-ipam", "loopback"]) {
      assertEquals(Deno.readFileSync(`${bin}/${name}`), Deno.readFileSync(source));
      assertEquals((Deno.statSync(`${bin}/${name}`).mode ?? 0) & 0o777, 0o755);
    }
    assertEquals(Deno.lstatSync(`${bin}/headcni`).isSymlink, false);
  }));

Deno.test("examineBinaries: tells what stands under each name, and changes nothing", () =>
  withSource(async (source, bin) => {
    const states = async () => (await examineBinaries(bin, source)).map(({ state }) => state);
    assertEquals(await states(), ["missing", "missing", "missing"]);
    await installed(bin, source);
    assertEquals(await states(), ["same", "same", "same"]);
    Deno.removeSync(`${bin}/headcni-ipam`);
    Deno.writeTextFileSync(`${bin}/headcni-ipam`, "another", { mode: 0o755 });
    Deno.chmodSync(`${bin}/headcni`, 0o644);
    assertEquals(await states(), ["not-executable", "different", "not-executable"]);
    assertEquals((await examineBinaries(bin, undefined))[1]?.state, "same");
  }));

Deno.test("assertBinaries: mends what is different, cannot be executed, or is gone", () =>
  withSource(async (source, bin) => {
    await installed(bin, source);
    Deno.writeTextFileSync(`${bin}/headcni`, "#!/bin/sh\necho two\n");
    assertEquals(await installed(bin, source), ["headcni: different"]);
    Deno.chmodSync(`${bin}/headcni`, 0o644);
    assertEquals(await installed(bin, source), ["headcni: missing"]);
    Deno.removeSync(`${bin}/headcni-ipam`);
    Deno.writeTextFileSync(`${bin}/.headcni.${"0123".repeat(8)}`, "left by a kill");
    assertEquals(await installed(bin, source), ["headcni-ipam: missing"]);
    Deno.writeTextFileSync(source, "#!/bin/sh\necho new\n");
    assertEquals(await installed(bin, source), ["headcni: different"]);
    assertEquals(Deno.readTextFileSync(`${bin}/loopback`), "#!/bin/sh\necho new\n");
    const names = Array.from(Deno.readDirSync(bin), ({ name }) => name).sort();
    assertEquals(names, ["headcni", "headcni-ipam", "loopback"]);
  }));

Deno.test("assertBinaries: symlinks that somebody made to the source are as good", () =>
  withSource(async (source, bin) => {
    Deno.mkdirSync(bin, { recursive: true });
    for (const name of ["headcni", "headcni-ipam", "loopback"]) {
      Deno.symlinkSync(source, `${bin}/${name}`);
    }
    assertEquals(await installed(bin, source), []);
  }));

Deno.test("assertBinaries: the loopback of somebody else stays", () =>
  withSource(async (source, bin) => {
    Deno.mkdirSync(bin, { recursive: true });
    Deno.writeTextFileSync(`${bin}/loopback`, "theirs", { mode: 0o755 });
    assertEquals(await installed(bin, source), ["headcni: missing", "headcni-ipam: missing"]);
    assertEquals(Deno.readTextFileSync(`${bin}/loopback`), "theirs");
    Deno.removeSync(`${bin}/loopback`);
    Deno.symlinkSync("cni", `${bin}/loopback`);
    Deno.writeTextFileSync(`${bin}/cni`, "theirs, as k3s links it", { mode: 0o755 });
    assertEquals(await installed(bin, source), []);
  }));

Deno.test("assertBinaries: a loopback that leads nowhere is replaced", () =>
  withSource(async (source, bin) => {
    Deno.mkdirSync(bin, { recursive: true });
    Deno.symlinkSync("/nonexistent/headcni", `${bin}/loopback`);
    assertEquals((await installed(bin, source)).at(-1), "loopback: missing");
  }));

Deno.test("assertBinaries: a source or a folder that cannot be used is named", () =>
  withSource(async (source, bin) => {
    await assertRejects(
      () => assertBinaries(bin, "/nonexistent/headcni"),
      HeadcniError,
      `Cannot read the executable "/nonexistent/headcni"`,
    );
    await assertRejects(
      () => assertBinaries(`${source}/bin`, source),
      HeadcniError,
      `Cannot make the folder "${source}/bin"`,
    );
  }));

Deno.test("removeBinaries: takes those of the same content, and tells of others but a loopback", () =>
  withSource(async (source, bin) => {
    await installed(bin, source);
    assertEquals((await removeBinaries(bin, undefined)).removed, []);
    for (const name of ["headcni-ipam", "loopback"]) {
      Deno.removeSync(`${bin}/${name}`);
      Deno.writeTextFileSync(`${bin}/${name}`, "of others");
    }
    assertEquals(await removeBinaries(bin, source), {
      removed: [`${bin}/headcni`],
      others: [`${bin}/headcni-ipam`],
    });
    const left = Array.from(Deno.readDirSync(bin), ({ name }) => name).toSorted();
    assertEquals(left, ["headcni-ipam", "loopback"]);
    assertEquals(await removeBinaries(`${bin}/none`, source), { removed: [], others: [] });
  }));
