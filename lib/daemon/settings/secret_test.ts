import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../errors.ts";
import { Secret } from "./secret.ts";

Deno.test("Secret: shows itself only by reveal()", () => {
  const secret = Secret.ofText(" hs-key-7 \n");
  assertEquals(secret.reveal(), "hs-key-7");
  const shown = [
    ...[`${secret}`, String(secret), JSON.stringify({ secret }), Deno.inspect({ secret })],
    ...[Deno.inspect(secret, { showHidden: true }), Object.values(secret).join()],
    ...[Deno.inspect(new Error("x", { cause: { secret } }))],
  ];
  assertEquals(shown.filter((text) => text.includes("hs-key-7")), []);
});

Deno.test("Secret: a file is read when it is needed, and can be replaced", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const path = `${directory}/key`;
    const secret = Secret.inFile(path);
    assertThrows(() => secret.reveal(), ConfigError, `Cannot read secret "${path}"`);
    for (const key of ["one", "two"]) {
      await Deno.writeTextFile(path, `${key}\n`);
      assertEquals(secret.reveal(), key);
    }
    await Deno.writeTextFile(path, " \n");
    assertThrows(() => secret.reveal(), ConfigError, "nothing is in it");
    const folder = Secret.inFile(directory);
    assertThrows(() => folder.reveal(), ConfigError, "it is no regular file");
    await Deno.truncate(path, 100_000);
    assertThrows(() => secret.reveal(), ConfigError, "it has 100000 bytes");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
