import { assertEquals, assertRejects } from "@std/assert";
import { killUnfinished } from "./unfinished.ts";

/** A process that does nothing, started as a runtime starts a plugin. */
function startPlugin(env: Record<string, string>): Deno.ChildProcess {
  return new Deno.Command("sleep", { args: ["1000"], env, stdin: "null" }).spawn();
}

Deno.test("killUnfinished: ends an ADD of the attachment that goes on, and nothing else", async () => {
  const id = `hct${crypto.randomUUID()}`;
  const add = { CNI_COMMAND: "ADD", CNI_CONTAINERID: id, CNI_IFNAME: "eth0" };
  const unfinished = startPlugin(add);
  const others = [
    startPlugin({ ...add, CNI_COMMAND: "DEL" }),
    startPlugin({ ...add, CNI_IFNAME: "eth1" }),
    startPlugin({ ...add, CNI_CONTAINERID: `${id}x` }),
  ];
  try {
    await killUnfinished({ network: "pods", containerId: id, ifname: "eth0" });
    assertEquals((await unfinished.status).signal, "SIGKILL");
    for (const { pid } of others) await Deno.stat(`/proc/${pid}`);
  } finally {
    for (const other of others) {
      other.kill("SIGKILL");
      await other.status;
    }
  }
  await assertRejects(() => Deno.stat(`/proc/${unfinished.pid}`), Deno.errors.NotFound);
});
