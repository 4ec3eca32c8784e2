import { assert, assertEquals } from "@std/assert";
import { daemonHelp } from "./help.ts";
import { FLAGS } from "./read_flags.ts";

Deno.test("daemonHelp: tells every flag that is taken, in 100 columns", () => {
  const help = daemonHelp();
  for (const [flag, { entry, isFileOfSecret }] of FLAGS) {
    const isTaken = !entry.setting.isSecret || isFileOfSecret;
    const pattern = new RegExp(`^ {2}.*${flag}(?:,| |$)`, "m");
    assertEquals(pattern.test(help), isTaken, flag);
  }
  assert(help.split("\n").every((line) => line.length <= 100));
});
