import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { findCniDirectories } from "./cni_directories.ts";

const K3S = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml";
const CONTAINERD = "/etc/containerd/config.toml";
const DEFAULTS = {
  confDirectory: "/etc/cni/net.d",
  installDirectories: ["/opt/cni/bin"],
  path: ["/opt/cni/bin"],
};

/** What is found on a node with these files. */
function found(files: Readonly<Record<string, string>>, configured = {}) {
  const list = Object.entries(files).map(([path, text]) => ({ path, text }));
  return findCniDirectories(list, configured);
}

Deno.test("findCniDirectories: k3s with its own flannel, which names its folders", () => {
  // Shape: k3s, pkg/agent/templates (containerd 1.7 and 2).
  for (const plugin of ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"]) {
    const text = [
      "version = 2",
      `[plugins."${plugin}".cni]`,
      `  bin_dir = "/var/lib/rancher/k3s/data/cni"`,
      `  conf_dir = "/var/lib/rancher/k3s/agent/etc/cni/net.d"`,
    ].join("\n");
    assertEquals(found({ [K3S]: text }), [{
      runtimes: ["k3s"],
      confDirectory: "/var/lib/rancher/k3s/agent/etc/cni/net.d",
      installDirectories: ["/var/lib/rancher/k3s/data/cni"],
      path: ["/var/lib/rancher/k3s/data/cni"],
    }]);
  }
});

Deno.test("findCniDirectories: k3s without flannel, rke2, k0s: those of containerd", () => {
  assertEquals(found({ [K3S]: "version = 3\n" }), [{ runtimes: ["k3s"], ...DEFAULTS }]);
  const rke2 = "/var/lib/rancher/rke2/agent/etc/containerd/config.toml";
  assertEquals(found({ [rke2]: "version = 3\n" }), [{ runtimes: ["rke2"], ...DEFAULTS }]);
  const k0s = { "/etc/k0s/containerd.toml": `imports = ["/run/k0s/containerd-cri.toml"]` };
  assertEquals(found(k0s), [{ runtimes: ["k0s"], ...DEFAULTS }]);
});

Deno.test("findCniDirectories: microk8s, its own folders", () => {
  const path = "/var/snap/microk8s/current/args/containerd.toml";
  const own = [{
    runtimes: ["microk8s"],
    confDirectory: "/var/snap/microk8s/current/args/cni-network",
    installDirectories: ["/var/snap/microk8s/current/opt/cni/bin"],
    path: ["/var/snap/microk8s/current/opt/cni/bin"],
  }];
  assertEquals(found({ [path]: "version = 2" }), own);
  const text = [
    `[plugins."io.containerd.grpc.v1.cri".cni]`,
    'bin_dir = "${SNAP_DATA}/opt/cni/bin"',
    'conf_dir = "${SNAP_DATA}/args/cni-network"',
  ].join("\n");
  assertEquals(found({ [path]: text }), own);
});

Deno.test("findCniDirectories: containerd with several folders of plugins", () => {
  const text = [
    "[plugins.'io.containerd.cri.v1.runtime'.cni]",
    "bin_dir = ''",
    "bin_dirs = ['/usr/lib/cni', '/opt/cni/bin']",
    "conf_dir = '/etc/cni/pods.d'",
  ].join("\n");
  assertEquals(found({ [CONTAINERD]: text }), [{
    runtimes: ["containerd"],
    confDirectory: "/etc/cni/pods.d",
    installDirectories: ["/usr/lib/cni"],
    path: ["/usr/lib/cni", "/opt/cni/bin"],
  }]);
});

Deno.test("findCniDirectories: CRI-O, the last file wins", () => {
  const files = {
    "/etc/crio/crio.conf": `[crio.network]\nnetwork_dir = "/etc/cni/old.d/"`,
    "/etc/crio/crio.conf.d/10-a.conf": `[crio.network]\nplugin_dirs = ["/usr/libexec/cni/", "/b"]`,
    "/etc/crio/crio.conf.d/20-b.conf": `[crio.network]\nnetwork_dir = "/etc/cni/net.d/"`,
  };
  assertEquals(found(files), [{
    runtimes: ["cri-o"],
    confDirectory: "/etc/cni/net.d",
    installDirectories: ["/usr/libexec/cni"],
    path: ["/usr/libexec/cni", "/b"],
  }]);
});

Deno.test("findCniDirectories: several runtimes, each folder once", () => {
  const files = {
    [K3S]: `[plugins.cri.cni]\nconf_dir = "/k3s/net.d"\nbin_dir = "/k3s/bin"`,
    [CONTAINERD]: "version = 2",
    "/etc/crio/crio.conf": `[crio.network]\nplugin_dirs = ["/usr/libexec/cni"]`,
  };
  const conf = found(files).map(({ runtimes, confDirectory, installDirectories }) => [
    runtimes.join("+"),
    confDirectory,
    installDirectories.join(":"),
  ]);
  assertEquals(conf, [
    ["k3s", "/k3s/net.d", "/k3s/bin"],
    ["containerd+cri-o", "/etc/cni/net.d", "/opt/cni/bin:/usr/libexec/cni"],
  ]);
});

Deno.test("findCniDirectories: a containerd of Docker serves no kubelet", () => {
  const files = { [K3S]: "", [CONTAINERD]: `disabled_plugins = ["cri"]` };
  assertEquals(found(files).map(({ runtimes }) => runtimes), [["k3s"]]);
});

Deno.test("findCniDirectories: nothing found, broken files: those of containerd", () => {
  assertEquals(found({}), [{ runtimes: ["containerd"], ...DEFAULTS }]);
  assertEquals(found({ [CONTAINERD]: "\u0000[[[" }), [{ runtimes: ["containerd"], ...DEFAULTS }]);
});

Deno.test("findCniDirectories: what is configured is not looked for", () => {
  const files = { [K3S]: "", [CONTAINERD]: `[plugins.cri.cni]\nbin_dir = "/x"` };
  assertEquals(found(files, { confDirectory: "/conf/", binDirectory: "/bin" }), [{
    runtimes: ["settings"],
    confDirectory: "/conf",
    installDirectories: ["/bin"],
    path: ["/bin"],
  }]);
  const [only] = found(files, { binDirectory: "/bin" });
  assertEquals([only?.runtimes, only?.path], [["k3s", "containerd"], ["/bin"]]);
  assertThrows(() => found({}, { confDirectory: "net.d" }), ConfigError, "an absolute path wanted");
});
