/** The command line of the node daemon, as the real program. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../lib/version.ts";
import { executableFile, runProgram } from "./program.ts";

Deno.test("headcni daemon: by subcommand, by its flags alone, or by its file name", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const config = `${directory}/daemon.yaml`;
    await Deno.writeTextFile(config, "network: {mtu: 1400}\n");
    const link = `${directory}/headcni-daemon`;
    await Deno.symlink(await executableFile(directory), link);
    const args = ["--metrics-port=7", "--print-config", "--config", config];
    const calls = [{ args: ["daemon", ...args] }, { args }, { executable: link, args }];
    for (const call of calls) {
      const { code, stdout, stderr } = await runProgram({
        ...call,
        env: { POD_CIDR: "10.1.0.0/16" },
      });
      assertEquals([code, stderr], [0, ""]);
      for (const line of ["mtu: 1400 #", "port: 7 # flag", "base: 10.1.0.0/16 # env POD_CIDR"]) {
        assertStringIncludes(stdout, line);
      }
    }
    const version = await runProgram({ executable: link, args: ["--version"] });
    assertEquals([version.code, version.stdout], [0, `headcni ${VERSION}\n`]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
