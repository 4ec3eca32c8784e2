import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../errors.ts";
import { notifyServiceManager } from "./service_manager.ts";

const RECEIVER = new URL("../../tests/fakes/receive_datagram.ts", import.meta.url).pathname;

Deno.test("notifyServiceManager: sends its text to the socket", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  const socket = `${directory}/notify`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-net", "--no-config", RECEIVER, socket],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    assertEquals((await reader.read()).value, "ready\n");
    notifyServiceManager(socket, "READY=1\nSTATUS=pods may come");
    assertEquals((await reader.read()).value, "READY=1\nSTATUS=pods may come\n");
  } finally {
    await reader.cancel();
    await child.status;
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("notifyServiceManager: nobody there is an error that names the socket", () => {
  const [gone, long] = ["/nonexistent/x", `/${"x".repeat(200)}`];
  assertThrows(() => notifyServiceManager(gone, "READY=1"), KernelError, gone);
  assertThrows(() => notifyServiceManager(long, "READY=1"), RangeError);
});
