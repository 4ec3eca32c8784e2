/** Settings of networks: part of `schema.ts`. */
import { boolean, choice } from "./kind.ts";
import { fileName, linkName, mtu, nodeLengths, path, prefixes } from "./node_kinds.ts";
import { optional, type Section, setting } from "./setting.ts";

/** `network`: the networks of pods and services, and how pods are joined to them. */
export const network = {
  podCIDR: {
    nodeLocal: optional(prefixes, {
      doc: "the pod network of this node, when the file shall decide it",
      fallbackEnv: ["NODE_POD_CIDR"],
      flags: ["node-pod-cidr"],
    }),
    base: optional(prefixes, {
      doc: "the pod network of the whole cluster",
      env: ["POD_CIDR"],
      flags: ["pod-cidr"],
      aliases: ["network.podCIDR"],
    }),
    perNode: setting(nodeLengths, "/24,/64", {
      doc: "how large the part of one node is that is computed from the base",
      flags: ["pod-cidr-per-node"],
      aliases: ["network.podCIDRSubnet"],
    }),
    allowComputed: setting(choice(["none", "hash", "default"]), "none", {
      doc: "where no source names the node's pod network: none waits, hash computes one from the " +
        "node's name (two nodes can get the same), default takes the first part of " +
        "the base, or 10.244.0.0/24",
      env: ["HEADCNI_ALLOW_COMPUTED_POD_CIDR"],
      flags: ["allow-computed-pod-cidr"],
    }),
  },
  serviceCIDR: optional(prefixes, {
    doc: "the service network of the cluster",
    env: ["SERVICE_CIDR"],
    flags: ["service-cidr"],
  }),
  mtu: optional(mtu, {
    doc: "MTU of pods; else 1280, or what the uplink or the tailnet interface has if that is lower",
    env: ["HEADCNI_NETWORK_MTU"],
    flags: ["network-mtu"],
  }),
  enableIPv6: setting(boolean, "true", {
    doc: "false leaves out the IPv6 part of every network",
    env: ["HEADCNI_ENABLE_IPV6"],
    flags: ["enable-ipv6"],
  }),
  enableNetworkPolicy: setting(boolean, "false", {
    doc: "accepted; this release enforces no NetworkPolicy, and says so",
    env: ["HEADCNI_ENABLE_NETWORK_POLICY"],
    flags: ["enable-network-policy"],
  }),
  datapath: setting(choice(["bridge", "ptp"]), "bridge", {
    doc: "pods are ports of one bridge, or have a routed link each",
    env: ["HEADCNI_DATAPATH"],
    flags: ["datapath"],
  }),
  bridge: setting(linkName, "headcni0", {
    doc: "name of the bridge",
    env: ["HEADCNI_BRIDGE"],
    flags: ["bridge"],
  }),
  ipMasq: setting(boolean, "true", {
    doc: "what pods send to the outside leaves under the node's address",
    env: ["HEADCNI_IP_MASQ"],
    flags: ["ip-masq"],
  }),
  ipMasqTailnet: setting(boolean, "true", {
    doc: "also what they send to tailnet addresses",
    env: ["HEADCNI_IP_MASQ_TAILNET"],
    flags: ["ip-masq-tailnet"],
  }),
  guardClusterCIDR: setting(boolean, "true", {
    doc: "an unreachable route for the pod network of the cluster: without the tailnet nothing " +
      "leaves in clear",
    env: ["HEADCNI_GUARD_CLUSTER_CIDR"],
    flags: ["guard-cluster-cidr"],
  }),
} satisfies Section;

/** `cni`: what the container runtime is told. */
export const cni = {
  confDir: setting(path, "/etc/cni/net.d", {
    doc: "where the runtime looks for network configurations",
    env: ["CNI_CONF_DIR"],
    flags: ["cni-conf-dir"],
  }),
  binDir: setting(path, "/opt/cni/bin", {
    doc: "where the runtime looks for plugins",
    env: ["CNI_BIN_DIR"],
    flags: ["cni-bin-dir"],
  }),
  conflistName: setting(fileName, "05-headcni.conflist", {
    doc: "name of the file that the daemon writes there",
    env: ["HEADCNI_CONFLIST_NAME"],
    flags: ["cni-conflist-name"],
  }),
  mode: setting(choice(["native", "delegate"]), "native", {
    doc: "pods by our own network plugin, or by the bridge plugin with addresses of ipam.type",
    env: ["HEADCNI_CNI_MODE"],
    flags: ["cni-mode"],
  }),
  exclusive: setting(boolean, "true", {
    doc: "configurations of others that sort before ours are moved aside",
    env: ["HEADCNI_CNI_EXCLUSIVE"],
    flags: ["cni-exclusive"],
  }),
} satisfies Section;
