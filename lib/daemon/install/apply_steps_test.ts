import { assertEquals } from "@std/assert";
import { SYSTEMD } from "../../delegate/service_unit.ts";
import type { InstallStep } from "../../node/install_step.ts";
import { applySteps } from "./apply_steps.ts";

Deno.test("applySteps: what a killed run was making is gone after the next, copies included", async () => {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const [path, backup] = [`${root}/headcni`, `${root}/replaced/one`];
    const half = "0123456789abcdef".repeat(2);
    await Deno.mkdir(`${root}/replaced`);
    await Deno.writeTextFile(path, "theirs");
    for (const name of [".headcni", "replaced/.one"]) {
      await Deno.writeTextFile(`${root}/${name}.${half}`, "the");
    }
    const steps: InstallStep[] = [
      { kind: "save", path, backup },
      { kind: "write", path, text: "ours", mode: 0o644 },
    ];
    await applySteps(steps, { systemd: SYSTEMD, startMs: 0 });
    const names = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name);
    assertEquals([names(root).sort(), names(`${root}/replaced`)], [["headcni", "replaced"], [
      "one",
    ]]);
    assertEquals([await Deno.readTextFile(path), await Deno.readTextFile(backup)], [
      "ours",
      "theirs",
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
