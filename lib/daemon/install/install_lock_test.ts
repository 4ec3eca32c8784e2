import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { HeadcniError } from "../../errors.ts";
import { installLockPath } from "../../node/install_plan.ts";
import { lockInstall } from "./install_lock.ts";

const MODULE = new URL("./install_lock.ts", import.meta.url).href;
const CONFIG = fromFileUrl(new URL("../../../deno.json", import.meta.url));

async function withFolder(body: (folder: string) => unknown): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("lockInstall: one at a time, and the next when it is given back", () =>
  withFolder((folder) => {
    {
      using _ = lockInstall(`${folder}/data`);
      assertThrows(() => lockInstall(`${folder}/data`), HeadcniError, "another process does");
    }
    using _ = lockInstall(`${folder}/data`);
  }));

Deno.test("lockInstall: an uninstall that removes the file lets in no two at once", () =>
  withFolder(async (folder) => {
    // Who has the lock makes the file `in`: a second one could not.
    const code = `import { lockInstall } from ${JSON.stringify(MODULE)};
      let held = 0;
      while (held < 200) {
        try {
          using _ = lockInstall("${folder}");
          Deno.openSync("${folder}/in", { createNew: true, write: true }).close();
          Deno.removeSync("${folder}/in");
          Deno.removeSync("${installLockPath(folder)}");
          held++;
        } catch (error) {
          if (error.reason !== "try-again") throw error;
        }
      }`;
    const args = ["eval", "--ext=ts", `--config=${CONFIG}`, code];
    const runs = await Promise.all(
      Array.from(
        { length: 4 },
        () =>
          new Deno.Command(Deno.execPath(), { args, stdin: "null", env: { NO_COLOR: "1" } })
            .output(),
      ),
    );
    const said = runs.map(({ stderr }) => new TextDecoder().decode(stderr));
    assertEquals(said.filter((text) => /error/i.test(text)), []);
    assertEquals(runs.map(({ code }) => code), [0, 0, 0, 0]);
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), []);
    assertThrows(() => Deno.statSync(installLockPath(folder)), Deno.errors.NotFound);
  }));
