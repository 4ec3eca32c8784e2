/**
 * Run by host_test.ts: enters the namespace that the first argument names and closes everything
 * that could lead back. It must die there.
 */
import { libc } from "../../lib/linux/libc.ts";
import { inNetns, openNetns } from "../../lib/linux/netns.ts";

const [path = ""] = Deno.args;
using netns = openNetns(path);
inNetns(netns, () => {
  for (const { name: fd } of Deno.readDirSync("/proc/self/fd")) {
    if (isNamespace(fd)) libc().close(Number(fd));
  }
});
console.log("alive");

function isNamespace(fd: string): boolean {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`).startsWith("net:");
  } catch {
    return false; // the folder's own descriptor
  }
}
