import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { readRuntimeFiles } from "./runtime_files.ts";

Deno.test("readRuntimeFiles: those that are there, below the root of the node, in order", () => {
  const root = Deno.makeTempDirSync({ prefix: "headcni_runtime_" });
  try {
    const files = [
      "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
      "/etc/crio/crio.conf.d/10-a.conf",
      "/etc/crio/crio.conf.d/20-b.conf",
    ];
    for (const path of [...files.toReversed(), "/etc/crio/crio.conf.d/readme"]) {
      Deno.mkdirSync(dirname(root + path), { recursive: true });
      Deno.writeTextFileSync(root + path, `# ${path}`);
    }
    Deno.mkdirSync(`${root}/etc/containerd/config.toml`, { recursive: true });
    const found = readRuntimeFiles(root);
    assertEquals(found, files.map((path) => ({ path, text: `# ${path}` })));
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
