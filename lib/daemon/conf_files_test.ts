import { assertEquals, assertThrows } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { planConflist } from "../node/conflist.ts";
import { assertConflist, restoreConflists } from "./conf_files.ts";

const NAME = "05-headcni.conflist";
const CONFLIST = planConflist({});
const EXCLUSIVE = { exclusive: true };

/** Runs `fn` with a folder of its own. */
function inFolder(fn: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "headcni_conf_" });
  try {
    fn(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

/** Kinds and names of what was changed. */
function kinds(changes: ReturnType<typeof assertConflist>): string[] {
  return changes.map(({ change }) => `${change.kind} ${change.name}`);
}

Deno.test("assertConflist: makes the folder, writes once, mends what was tampered with", () =>
  inFolder((root) => {
    const folder = `${root}/etc/cni/net.d`;
    const path = `${folder}/${NAME}`;
    const assertNow = () => kinds(assertConflist([folder], CONFLIST, EXCLUSIVE));
    assertEquals([assertNow(), assertNow()], [[`write ${NAME}`], []]);
    assertEquals(JSON.parse(Deno.readTextFileSync(path)), CONFLIST);
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);

    Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace("portMappings", "x"));
    assertEquals([assertNow(), assertNow()], [[`write ${NAME}`], []]);
    Deno.removeSync(path);
    assertEquals([assertNow(), namesIn(folder)], [[`write ${NAME}`], [NAME]]);
    Deno.writeTextFileSync(`${folder}/00-late.conf`, "{}");
    assertEquals(assertNow(), ["rename 00-late.conf"]);
  }));

Deno.test("restoreConflists: all that was there is back, byte for byte", () =>
  inFolder((root) => {
    const strangers: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
      "00-binary.conf": new Uint8Array([0xff, 0xfe, 0, 10]),
      "01-text.conflist": new TextEncoder().encode(`\ufeff{ "name": "x" }\r\n`),
      [NAME]: new TextEncoder().encode(`{"name": "mine", "plugins": [{"type": "headcni"}]}`),
      "10-later.json": new Uint8Array(),
    };
    for (const [name, bytes] of Object.entries(strangers)) {
      Deno.writeFileSync(`${root}/${name}`, bytes, { mode: 0o640 });
    }
    Deno.symlinkSync("nowhere", `${root}/02-link.conf`);
    const before = namesIn(root);
    assertConflist([root], CONFLIST, EXCLUSIVE);
    assertEquals(namesIn(root).filter((name) => /\.(conf|conflist|json)$/.test(name)), [
      NAME,
      "10-later.json",
    ]);
    restoreConflists([root]);
    assertEquals(namesIn(root), before);
    assertEquals(Deno.readLinkSync(`${root}/02-link.conf`), "nowhere");
    for (const [name, bytes] of Object.entries(strangers)) {
      assertEquals(Deno.readFileSync(`${root}/${name}`), bytes, name);
      assertEquals((Deno.statSync(`${root}/${name}`).mode ?? 0) & 0o777, 0o640, name);
    }
    assertEquals(restoreConflists([root]), []);
  }));

Deno.test("assertConflist: different bytes that are no text are never taken for the same", () =>
  inFolder((root) => {
    for (const byte of [0xfe, 0xff]) {
      Deno.writeFileSync(`${root}/00-x.conf`, new Uint8Array([byte]));
      assertConflist([root], CONFLIST, EXCLUSIVE);
    }
    const kept = [1, 2].map((number) =>
      Deno.readFileSync(`${root}/00-x.conf.headcni-moved-${number}`)[0]
    );
    assertEquals(kept, [0xfe, 0xff]);
  }));

Deno.test("assertConflist: folders and pipes with such names are passed over, and do not block", () =>
  inFolder((root) => {
    Deno.mkdirSync(`${root}/00-folder.conf`);
    new Deno.Command("mkfifo", { args: [`${root}/01-pipe.conf`] }).outputSync();
    assertConflist([root], CONFLIST, EXCLUSIVE);
    assertEquals(namesIn(root), ["00-folder.conf", "01-pipe.conf.headcni-moved-1", NAME]);
  }));

Deno.test("assertConflist: folders in the place of our file are moved aside, with what they hold", () =>
  inFolder((root) => {
    assertConflist([root], CONFLIST, EXCLUSIVE);
    for (const content of ["one", "two"]) {
      Deno.removeSync(`${root}/${NAME}`, { recursive: true });
      Deno.mkdirSync(`${root}/${NAME}`);
      Deno.writeTextFileSync(`${root}/${NAME}/x`, content);
      assertConflist([root], CONFLIST, EXCLUSIVE);
    }
    const moved = [1, 2].map((number) => `${NAME}.headcni-moved-${number}`);
    assertEquals(namesIn(root), [NAME, ...moved]);
    assertEquals(moved.map((name) => Deno.readTextFileSync(`${root}/${name}/x`)), ["one", "two"]);
    restoreConflists([root]);
    assertEquals(namesIn(root), moved);
  }));

Deno.test("assertConflist: one folder that fails keeps no other from being done", () =>
  inFolder((root) => {
    Deno.writeTextFileSync(`${root}/file`, "");
    const folders = [`${root}/file`, `${root}/file/below`, `${root}/good`];
    const { message, reason } = assertThrows(
      () => assertConflist(folders, CONFLIST, EXCLUSIVE),
      HeadcniError,
    );
    assertEquals(reason, "io-failure");
    assertEquals(message.match(/Cannot [a-z ]+ "[^"]*"/g), [
      `Cannot make the folder "${root}/file"`,
      `Cannot make the folder "${root}/file/below"`,
    ]);
    assertEquals(namesIn(`${root}/good`), [NAME]);
  }));
