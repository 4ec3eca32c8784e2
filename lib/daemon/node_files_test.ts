import { assertEquals } from "@std/assert";
import { cniDirectories, runtimeConfFolders } from "./node_files.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";
import type { LoadedSettings } from "./settings/settings.ts";

function load(...flags: readonly string[]): LoadedSettings {
  const line = readFlags(["--node-name", "edge-7", ...flags]);
  return loadSettings({ line, env: {}, defaultPath: "/nonexistent" });
}

/** The folders of a node below `/host` of which no runtime is found. */
function directories(root: string, ...flags: readonly string[]): string[] {
  return cniDirectories(load(...flags), root)
    .flatMap(({ confDirectory, installDirectories }) => [confDirectory, ...installDirectories]);
}

Deno.test("cniDirectories: what is found is the node's own, what is named is where it is named", () => {
  const root = "/nonexistent/host";
  assertEquals(directories(root), [`${root}/etc/cni/net.d`, `${root}/opt/cni/bin`]);
  const conf = ["--cni-conf-dir", "/conf"];
  assertEquals(directories(root, ...conf), ["/conf", `${root}/opt/cni/bin`]);
  assertEquals(directories(root, ...conf, "--cni-bin-dir", "/bin"), ["/conf", "/bin"]);
});

Deno.test("runtimeConfFolders: what is named is by the paths of the node, in a container too", async () => {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  assertEquals(runtimeConfFolders(load(), root), []);
  await Deno.mkdir(`${root}/etc/containerd`, { recursive: true });
  const text = '[plugins."io.containerd.grpc.v1.cri".cni]\nconf_dir = "/srv/net.d"\n';
  await Deno.writeTextFile(`${root}/etc/containerd/config.toml`, text);
  assertEquals(runtimeConfFolders(load(), root), [`${root}/srv/net.d`]);
  assertEquals(runtimeConfFolders(load("--cni-conf-dir", "/srv/net.d"), root), ["/srv/net.d"]);
  await Deno.remove(root, { recursive: true });
});
