/** `headcni completion`: the scripts, as the shells themselves use them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { missingCommand, testUnless } from "../fakes/test_unless.ts";
import { runAdmin } from "../fakes/run_admin.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"];

/** What is typed, `\t` being the key, and the command that the shell must have made of it. */
const TYPED: readonly [keys: string, command: string][] = [
  ["statu\t", "status"],
  ["status -o y\t", "status -o yaml"],
  ["metr\t --output=p\t", "metrics --output=prometheus"],
  ["ipam gc --dry\t", "ipam gc --dry-run"],
  ["ipam import --from ho\t", "ipam import --from host-local"],
  ["completion ba\t", "completion bash"],
  ["help ipa\t", "help ipam"],
  ["status --config /etc/hostnam\t", "status --config /etc/hostname"],
  ["ipam ls --all-n\t", "ipam ls --all-nodes"],
  ["status --kubeconfig /etc/hostnam\t", "status --kubeconfig /etc/hostname"],
];

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runAdmin(["completion", shell], {});
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** Puts the script for a shell into a folder, for as long as the test takes. */
async function withScript(shell: string, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await Deno.writeTextFile(`${folder}/script`, await scriptFor(shell));
    await use(`${folder}/script`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Types lines into a shell on a terminal of its own, and answers all that is seen there. */
async function type(shell: string, lines: readonly string[]): Promise<string> {
  const child = new Deno.Command("script", {
    args: ["-qec", shell, "/dev/null"],
    env: { TERM: "dumb" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode([...lines, "exit", ""].join("\n")));
  await writer.close();
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout);
}

/** Commands that the shell ran in the place of ours. */
function commandsIn(seen: string): string[] {
  return Array.from(seen.matchAll(/^ran: (.*?)\r?$/gm), ([, command = ""]) => command.trim());
}

/** Starts of interactive shells that read nothing of the machine, and what they need first. */
const INTERACTIVE: readonly [shell: string, start: string, first: readonly string[]][] = [
  ["bash", "bash --norc --noprofile -i", []],
  ["zsh", "zsh -f -i", ["autoload -U compinit", "compinit -D -u"]],
];

for (const [shell, start, first] of INTERACTIVE) {
  testUnless(missingCommand(shell), `headcni completion ${shell}: the key completes`, async () => {
    await withScript(shell, async (path) => {
      const seen = await type(start, [
        ...first,
        'headcni() { echo "ran: $*"; }',
        `source ${path}`,
        ...TYPED.map(([keys]) => `headcni ${keys}`),
      ]);
      assertEquals(commandsIn(seen), TYPED.map(([, command]) => command), seen);
    });
  });
}

testUnless(missingCommand("fish"), "headcni completion fish: the words are offered", async () => {
  await withScript("fish", async (path) => {
    for (const [keys, command] of TYPED) {
      const typed = keys.replaceAll("metr\t", "metrics").replaceAll("\t", "");
      const script = `source ${path}; complete -C 'headcni ${typed}'`;
      const { stdout } = await new Deno.Command("fish", { args: ["--no-config", "-c", script] })
        .output();
      const words = new TextDecoder().decode(stdout).split("\n").map((line) => line.split("\t")[0]);
      assertEquals(words.includes(command.split(" ").at(-1)), true, `${typed}: ${words}`);
    }
  });
});

for (const shell of SHELLS) {
  Deno.test(`headcni completion ${shell}: knows every command`, async () => {
    const script = await scriptFor(shell);
    const { stdout } = await runAdmin(["--help"], {});
    const [list = ""] = stdout.split("\nCommands:\n")[1]?.split("\n\n") ?? [];
    const names = Array.from(list.matchAll(/^ {2}([a-z-]+)/gm), ([, name = ""]) => name);
    assertEquals(names.length > 8, true);
    for (const name of names) assertStringIncludes(script, `headcni ${name}`);
    assertStringIncludes(script, "headcni ipam release");
  });
}

Deno.test("headcni completion: another shell is a mistake that names ours", async () => {
  const { code, stderr } = await runAdmin(["completion", "csh"], {});
  assertEquals(code, 2);
  assertStringIncludes(stderr, "Allowed choices are bash, zsh, fish, powershell.");
});
