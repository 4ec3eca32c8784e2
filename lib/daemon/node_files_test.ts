import { assertEquals } from "@std/assert";
import { cniDirectories } from "./node_files.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";

/** The folders of a node below `/host` of which no runtime is found. */
function directories(root: string, ...flags: readonly string[]): string[] {
  const line = readFlags(["--node-name", "edge-7", ...flags]);
  const loaded = loadSettings({ line, env: {}, defaultPath: "/nonexistent" });
  return cniDirectories(loaded, root)
    .flatMap(({ confDirectory, installDirectories }) => [confDirectory, ...installDirectories]);
}

Deno.test("cniDirectories: what is found is the node's own, what is named is where it is named", () => {
  const root = "/nonexistent/host";
  assertEquals(directories(root), [`${root}/etc/cni/net.d`, `${root}/opt/cni/bin`]);
  const conf = ["--cni-conf-dir", "/conf"];
  assertEquals(directories(root, ...conf), ["/conf", `${root}/opt/cni/bin`]);
  assertEquals(directories(root, ...conf, "--cni-bin-dir", "/bin"), ["/conf", "/bin"]);
});
