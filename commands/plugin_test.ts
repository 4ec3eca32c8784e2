import { assertEquals } from "@std/assert";
import { deliver } from "./plugin.ts";

/** Runs `test` with a standard output that nobody reads. */
async function withBrokenStdout(test: () => Promise<void>): Promise<void> {
  const { writeSync } = Deno.stdout;
  Deno.stdout.writeSync = () => {
    throw new Deno.errors.BrokenPipe("Broken pipe");
  };
  try {
    await test();
  } finally {
    Deno.stdout.writeSync = writeSync;
  }
}

Deno.test("deliver: takes an ADD back that nobody can be told of", async () => {
  let undone = 0;
  const answer = {
    stdout: "{}\n",
    stderr: "",
    exitCode: 0,
    undo: () => Promise.resolve(void undone++),
  };
  await withBrokenStdout(async () => {
    assertEquals(await deliver(answer), 1);
    assertEquals(await deliver({ stdout: "{}\n", stderr: "", exitCode: 0 }), 1);
  });
  assertEquals(undone, 1);
});

Deno.test("deliver: silence needs no reader", async () => {
  await withBrokenStdout(async () => {
    assertEquals(await deliver({ stdout: "", stderr: "", exitCode: 0 }), 0);
  });
});
