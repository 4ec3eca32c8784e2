/**
 * A machine of a test's own that is a node of a cluster: containerd, the kubelet and kube-proxy, which
 * wait for a pod network; maybe a tailscaled. It has its folders where every node has them.
 */
import { join } from "@std/path";
import { isFile } from "../cli/shipped.ts";
import { ContainerdHost } from "./containerd.ts";
import type { Cluster } from "./kubernetes.ts";
import { findPeers } from "./peers.ts";
import type { HeadscaleServer } from "./tailnet/headscale.ts";
import type { Internet } from "./tailnet/internet.ts";
import { TestProcess } from "./tailnet/process.ts";

const BIN_DIRECTORY = "/opt/cni/bin";
const CONF_DIRECTORY = "/etc/cni/net.d";
const TAILSCALED_SOCKET = "/run/tailscale/tailscaled.sock";

/** What the kubelet sets to its own taste. They are the whole machine's: on the node are copies. */
const KERNEL_FLAGS: readonly string[] = [
  ...["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"],
  ...["kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"],
];

/** What the runtime and the kubelet find on a new node; what is mounted for pods is seen by them. */
const SET_UP = `
  for flag in ${KERNEL_FLAGS.join(" ")}; do
    mkdir -p /run/sys/$flag
    cat /proc/sys/$flag >/run/sys/$flag/value
    mount --bind /run/sys/$flag/value /proc/sys/$flag
  done
  mkdir /run/etc /run/etc/upper /run/etc/work /run/tailscale
  mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work hct /etc
  mount -t tmpfs hct /opt
  mkdir -p ${BIN_DIRECTORY} ${CONF_DIRECTORY} /var/lib/kubelet
  rm -f ${CONF_DIRECTORY}/*
  mount --make-rshared /
`;

const GROUPS = "/sys/fs/cgroup";

/** What a node is part of. */
export interface KubePlace {
  readonly cluster: Cluster;
  readonly internet: Internet;
  readonly headscale: HeadscaleServer;
}

/** What tells nodes apart. */
export interface KubeNodeOptions {
  readonly name: string;
  /** Archives of images that its pods can have. */
  readonly images: readonly string[];
  /** Of the cluster. */
  readonly podCidr: string;
  /** A tailscaled of its own, logged in nowhere. */
  readonly hasTailscaled: boolean;
}

/** The node. */
export class KubeNode implements AsyncDisposable {
  readonly name: string;
  readonly host: ContainerdHost;
  readonly #owned: AsyncDisposableStack;

  private constructor(name: string, host: ContainerdHost, owned: AsyncDisposableStack) {
    this.name = name;
    this.host = host;
    this.#owned = owned;
  }

  /** Makes a machine with an uplink, and what makes a node of it. */
  static async start(
    { cluster, internet, headscale }: KubePlace,
    { name, images, podCidr, hasTailscaled }: KubeNodeOptions,
  ): Promise<KubeNode> {
    await using owned = new AsyncDisposableStack();
    const layout = {
      binDirectory: BIN_DIRECTORY,
      confDirectory: CONF_DIRECTORY,
      setUp: SET_UP,
    };
    const host = owned.use(await ContainerdHost.start([], layout));
    const address = await internet.plug(host.netns);
    for (const archive of images) await host.images("import", archive);
    await makeGroups(host.netns.name);
    const kubelet = await writeSettings(host, "kubelet", kubeletSettings(host));
    const proxy = await writeSettings(host, "kube-proxy", proxySettings(cluster, name, podCidr));
    cluster.spawn("kube-proxy", [`--config=${proxy}`], ["nsenter", `--net=${host.netns.path}`]);
    cluster.spawn("kubelet", [
      ...[`--kubeconfig=${cluster.kubeconfig}`, `--config=${kubelet}`],
      ...[`--hostname-override=${name}`, `--node-ip=${address}`],
    ], host.enter);
    // Its device goes with it, before the namespace does.
    if (hasTailscaled) owned.use(startTailscaled(host, headscale));
    return new KubeNode(name, host, owned.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** Why no kubelet can run here; empty when one can. */
export function missingGroups(): string {
  const isThere = isUnified() || isFile(`${GROUPS}/cpuset/cpuset.cpus`);
  return isThere ? "" : `needs control groups at ${GROUPS}`;
}

/** There is one hierarchy: cgroup2. */
function isUnified(): boolean {
  return isFile(`${GROUPS}/cgroup.controllers`);
}

/** The kubelet makes those of pods below a group that is there, in each hierarchy. */
async function makeGroups(name: string): Promise<void> {
  const names = Array.from(Deno.readDirSync(GROUPS)).filter(({ isDirectory }) => isDirectory);
  const roots = isUnified() ? [GROUPS] : names.map((entry) => `${GROUPS}/${entry.name}`);
  for (const root of roots) await Deno.mkdir(`${root}/${name}`);
  if (isUnified()) return;
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    await Deno.copyFile(`${GROUPS}/cpuset/${file}`, `${GROUPS}/cpuset/${name}/${file}`);
  }
}

async function writeSettings({ folder }: ContainerdHost, name: string, settings: unknown) {
  const path = join(folder, `${name}.json`);
  await Deno.writeTextFile(path, JSON.stringify(settings));
  return path;
}

/** KubeletConfiguration of kubelet.config.k8s.io/v1beta1. */
function kubeletSettings({ socket, netns }: ContainerdHost): unknown {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    containerRuntimeEndpoint: `unix://${socket}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${netns.name}`,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    // It may have no kernel log, and no say in what is killed first.
    featureGates: { KubeletInUserNamespace: true },
    // What the machine has left of disk and memory is no matter of the test's.
    evictionHard: { "memory.available": "1Mi" },
    localStorageCapacityIsolation: false,
    volumePluginDir: "/var/lib/kubelet/volume-plugins",
    resolvConf: "",
    nodeStatusUpdateFrequency: "1s",
  };
}

/** KubeProxyConfiguration of kubeproxy.config.k8s.io/v1alpha1. */
function proxySettings(cluster: Cluster, name: string, podCidr: string): unknown {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: cluster.kubeconfig },
    clusterCIDR: podCidr,
    hostnameOverride: name,
    // Those are the whole machine's.
    conntrack: {
      ...{ maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    },
  };
}

/** As a package of a distribution starts it. */
function startTailscaled(host: ContainerdHost, { caFile }: HeadscaleServer): TestProcess {
  return TestProcess.start({
    command: [
      ...["nsenter", `--target=${host.pid}`, "--net", "--mount"],
      ...[join(findPeers("tailscale").path, "tailscaled"), "--socket", TAILSCALED_SOCKET],
      ...["--statedir", "/var/lib/tailscale", "--tun", "tailscale0", "--port", "41641"],
      "--no-logs-no-support",
    ],
    env: { SSL_CERT_FILE: caFile, HOME: host.folder },
    logFile: join(host.folder, "tailscaled.log"),
  });
}
