import { assertEquals } from "@std/assert";
import { readTomlTexts } from "./plain_toml.ts";

/** Path and values, joined for reading. */
function texts(...lines: string[]): string[] {
  return readTomlTexts(lines.join("\n"))
    .map(({ path, values }) => `${path.join("/")} = ${values.join(" + ")}`);
}

Deno.test("readTomlTexts: tables with bare and quoted names, keys with dots", () => {
  const found = texts(
    `root = "/var/lib/containerd"`,
    `[plugins."io.containerd.grpc.v1.cri".cni]`,
    `  conf_dir = "/etc/cni/net.d" # where`,
    `  bin_dir='/opt/cni/bin'`,
    `[plugins.'io.containerd.cri.v1.runtime']`,
    `cni.bin_dirs = ["/a", '/b']`,
    `"quoted key" = "x = y # z"`,
  );
  assertEquals(found, [
    "root = /var/lib/containerd",
    "plugins/io.containerd.grpc.v1.cri/cni/conf_dir = /etc/cni/net.d",
    "plugins/io.containerd.grpc.v1.cri/cni/bin_dir = /opt/cni/bin",
    "plugins/io.containerd.cri.v1.runtime/cni/bin_dirs = /a + /b",
    "plugins/io.containerd.cri.v1.runtime/quoted key = x = y # z",
  ]);
});

Deno.test("readTomlTexts: lists over several lines with comments", () => {
  const found = texts(
    "[crio.network]",
    "plugin_dirs = [",
    `  "/opt/cni/bin/", # first`,
    `# "/off",`,
    `  "/usr/libexec/cni",`,
    "]",
    `network_dir = "/etc/cni/net.d/"`,
  );
  assertEquals(found, [
    "crio/network/plugin_dirs = /opt/cni/bin/ + /usr/libexec/cni",
    "crio/network/network_dir = /etc/cni/net.d/",
  ]);
});

Deno.test("readTomlTexts: passes over all else", () => {
  const found = texts(
    "# conf_dir = 1",
    "version = 2",
    "enabled = true",
    "[[array]]",
    "broken",
    "= x",
    "empty = []",
    `quote = "a\\"b\\\\c"`,
    `open = "never closed`,
    "\u0000\u0001",
  );
  assertEquals(found, ["empty = ", `quote = a"b\\c`]);
});
