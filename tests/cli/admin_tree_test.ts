/** Every command that there is: it says what it does, has examples, and is suggested when misspelt. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { newProgram } from "../../commands/admin/command_line.ts";
import { allNodes, commandTree } from "../../commands/admin/completion/command_tree.ts";
import { addSubcommands } from "../../commands/admin/subcommands.ts";
import { README } from "../fakes/readme.ts";
import { runAdmin } from "../fakes/run_admin.ts";

const program = newProgram("headcni");
// The completion knows all.
await addSubcommands(program, { env: {}, target: undefined, called: ["completion"] });
const commands = allNodes(commandTree(program)).slice(1).filter(({ name }) => name !== "help");

Deno.test("headcni: has the commands that it is known for", () => {
  const places = commands.map(({ place }) => place);
  for (const name of ["status", "stats", "logs", "metrics", "version", "completion", "ipam ls"]) {
    assert(places.includes(`headcni ${name}`), name);
  }
});

for (const { place, description, children, options } of commands) {
  const [, ...words] = place.split(" ");

  Deno.test(`${place}: is described, and each of its options`, async () => {
    assert(description !== "");
    assertEquals(options.filter((option) => option.description === ""), []);
    const { code, stdout, stderr } = await runAdmin([...words, "--help"], {});
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `Usage: ${place}`);
    if (children.length === 0) assertStringIncludes(stdout, `\n  ${place}`, "an example is wanted");
  });

  Deno.test(`${place}: README tells of it`, () => {
    assertStringIncludes(README, place);
  });

  Deno.test(`${place}: is suggested to who misspells it`, async () => {
    const name = words.at(-1) ?? "";
    const { code, stdout, stderr } = await runAdmin([...words.slice(0, -1), `${name}x`], {});
    assertEquals([code, stdout], [2, ""]);
    const [, suggested = ""] = /did you mean (?:one of )?(.*)\?/.exec(stderr) ?? [];
    assert(suggested.split(", ").includes(name), stderr);
  });
}
