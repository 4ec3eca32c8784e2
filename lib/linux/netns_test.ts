import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { openLinuxHost } from "./host.ts";
import { isOwnNetns, openNetns, tryOpenNetns } from "./netns.ts";

const OWN = "/proc/self/ns/net";

Deno.test("openNetns: opens a namespace, and disposal closes it", () => {
  const netns = openNetns(OWN);
  const file = `/proc/self/fd/${netns.fd}`;
  assertEquals(Deno.readLinkSync(file), Deno.readLinkSync(OWN));
  netns[Symbol.dispose]();
  assertEquals(netns.fd, -1);
  netns[Symbol.dispose]();
});

Deno.test("openNetns: says what else is at the path", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const file = `${directory}/file`;
    const fifo = `${directory}/fifo`;
    await Deno.writeTextFile(file, "");
    const loop = `${directory}/loop`;
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    await Deno.symlink(loop, loop);
    const cases = [
      [`${directory}/gone`, "it is gone"],
      [directory, "it is a directory"],
      [file, "it is a file that is no network namespace"],
      [fifo, "it is no network namespace"],
      ["/proc/self/ns/uts", "it is a file that is no network namespace"],
      [`${file}/net`, "ENOTDIR (Not a directory)"],
      [loop, "ELOOP (Too many levels of symbolic links)"],
      [`${directory}/${"x".repeat(256)}`, "ENAMETOOLONG (File name too long)"],
    ] as const;
    for (const [path, seen] of cases) {
      const error = assertThrows(() => openNetns(path), ConfigError);
      assertEquals(
        [error.reason, error.message],
        ["invalid-netns", `Cannot open network namespace "${path}": ${seen}`],
      );
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("tryOpenNetns: undefined when nothing is there", () => {
  assertEquals(tryOpenNetns("/nonexistent/netns"), undefined);
});

Deno.test("isOwnNetns: tells our own namespace from anything else", () => {
  assert(isOwnNetns(OWN));
  for (const path of ["/", "/nonexistent/netns", "/proc/self/ns/uts"]) assert(!isOwnNetns(path));
});

Deno.test("openLinuxHost: refuses our own namespace as a pod's", () => {
  const error = assertThrows(() => openLinuxHost({ netns: OWN }), ConfigError);
  assertEquals(
    [error.reason, error.message],
    ["invalid-netns", `Cannot use network namespace "${OWN}" as a pod's: it is the node's own`],
  );
});
