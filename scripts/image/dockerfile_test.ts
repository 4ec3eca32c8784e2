import { assert, assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { DEFAULT_PREFIX } from "../../lib/daemon/install/install_node.ts";
import { VERSION } from "../../lib/version.ts";

const DOCKERFILE = await Deno.readTextFile(new URL("Dockerfile", import.meta.url));

const TEMPLATES = new URL("../../chart/templates/", import.meta.url);
/** What an install puts on a node. */
const INSTALLED = `${DEFAULT_PREFIX}/headcni`;

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

Deno.test("Dockerfile: the program of the image installs; what is installed does all else", async () => {
  const restOf = (name: string) => INSTRUCTIONS.find((one) => one.name === name)?.rest ?? "";
  const [program = ""] = JSON.parse(restOf("ENTRYPOINT"));
  assert(!program.startsWith(`${DEFAULT_PREFIX}/`), "the node's folder would hide it");
  for (const wanted of [`task build --prefix=${dirname(program)}`, `ln -s ${INSTALLED} `]) {
    assert(INSTRUCTIONS.some(({ rest }) => `${rest} `.includes(wanted)), wanted);
  }
  for (const name of ["daemonset.yaml", "tests/pod.yaml"]) {
    const text = await Deno.readTextFile(new URL(name, TEMPLATES));
    const commands = Array.from(text.matchAll(/^ +command: \[(.*)\]$/gm), ([, path]) => path);
    assertEquals(commands, [INSTALLED], name);
  }
});

Deno.test("Dockerfile.dockerignore: lets through what the build needs", async () => {
  const text = await Deno.readTextFile(new URL("Dockerfile.dockerignore", import.meta.url));
  const allowed = Array.from(text.matchAll(/^!(\S+)$/gm), ([, name = ""]) => name);
  const needed = ["commands", "deno.json", "deno.lock", "lib", "main.ts", "scripts"];
  assertEquals(needed.filter((name) => !allowed.includes(name)), []);
});
