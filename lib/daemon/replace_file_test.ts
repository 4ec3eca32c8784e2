import { assertEquals, assertThrows } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { removeLeftOvers, replaceFile } from "./replace_file.ts";

Deno.test("removeLeftOvers: what a kill left for one file, and nothing else", () => {
  const root = Deno.makeTempDirSync({ prefix: "hct" });
  try {
    for (const name of [".a.json", ".a.json.swp", ".b.json.1", "a.json", "a.json.1"]) {
      Deno.writeTextFileSync(`${root}/${name}`, "");
    }
    // What is being made is left by whoever dies in the middle.
    replaceFile(`${root}/a.json`, (fresh) => {
      Deno.writeTextFileSync(fresh, "new");
      Deno.linkSync(fresh, fresh.replace(/.$/, (last) => last === "0" ? "1" : "0"));
    });
    assertEquals(Array.from(Deno.readDirSync(root)).length, 6);
    removeLeftOvers(`${root}/a.json`);
    removeLeftOvers(`${root}/none/a.json`);
    const names = Array.from(Deno.readDirSync(root), ({ name }) => name).sort();
    assertEquals(names, [".a.json", ".a.json.swp", ".b.json.1", "a.json", "a.json.1"]);
    assertThrows(() => removeLeftOvers(`${root}/a.json/x`), HeadcniError, "Cannot clear");
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
