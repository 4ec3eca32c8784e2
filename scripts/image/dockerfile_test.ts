import { assert, assertEquals } from "@std/assert";
import { VERSION } from "../../lib/version.ts";

const DOCKERFILE = await Deno.readTextFile(new URL("Dockerfile", import.meta.url));

/** Instructions with what stands behind them, on one line. */
const INSTRUCTIONS = DOCKERFILE.replaceAll("\\\n", " ").split("\n")
  .flatMap((line) => {
    const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    return name === "" ? [] : [{ name, rest }];
  });

Deno.test("Dockerfile: every base is pinned by a digest that has no default", () => {
  const bases = INSTRUCTIONS.filter(({ name }) => name === "FROM").map(({ rest }) => rest);
  assertEquals(bases, ["${BUILD_BASE}@${BUILD_DIGEST} AS build", "${BASE}@${BASE_DIGEST}"]);
  for (const name of ["BUILD_DIGEST", "BASE_DIGEST"]) {
    assert(
      INSTRUCTIONS.some(({ name: instruction, rest }) => instruction === "ARG" && rest === name),
    );
  }
});

Deno.test("Dockerfile: the program is built by another user than root", () => {
  const at = INSTRUCTIONS.findIndex(({ rest }) => rest.includes("task build"));
  const user = INSTRUCTIONS.slice(0, at).findLast(({ name }) => name === "USER");
  assertEquals(user?.rest, "1000:1000");
});

Deno.test("Dockerfile: says which release it is of", () => {
  assert(INSTRUCTIONS.some(({ name, rest }) => name === "ARG" && rest === `VERSION=${VERSION}`));
});

Deno.test("Dockerfile.dockerignore: lets through what the build needs", async () => {
  const text = await Deno.readTextFile(new URL("Dockerfile.dockerignore", import.meta.url));
  const allowed = Array.from(text.matchAll(/^!(\S+)$/gm), ([, name = ""]) => name);
  const needed = ["commands", "deno.json", "deno.lock", "lib", "main.ts", "scripts"];
  assertEquals(needed.filter((name) => !allowed.includes(name)), []);
});
