/** Where a node keeps what it knows of its CIDRs. */

/** How a file is read; see `parseNodeFile`. */
export type NodeFileFormat = "yaml" | "environment" | "unit";

/** A place of one file, or of many in a folder. */
export interface PodCidrPlace {
  /** Absolute; `*` as the beginning of the last part stands for every such file of the folder. */
  readonly path: string;
  readonly format: NodeFileFormat;
}

/**
 * The places of a node, the strongest first: where two files speak of the same, k3s and kubelet heed
 * flags before files, and of the files of a folder the last by name.
 * @param nodeName as Kubernetes knows it; one that cannot be part of a path has no file of its own.
 */
export function podCidrPlaces(nodeName: string): PodCidrPlace[] {
  const isName = NODE_NAME.test(nodeName);
  return PLACES.filter(([path]) => isName || !path.includes("<node>"))
    .map(([path, format]) => ({ path: path.replace("<node>", nodeName), format }));
}

/** A DNS subdomain, as names of nodes are: RFC 1123 section 2.1. */
const NODE_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** The folder of k3s agents, and of servers, which are agents too: k3s `--data-dir`. */
const K3S_AGENT = "/var/lib/rancher/k3s/agent";
const MANIFESTS = "/etc/kubernetes/manifests";

/** Kubeconfigs (k3s.yaml, admin.conf) are no places: they name servers and keys, never a CIDR. */
const PLACES: readonly (readonly [path: string, format: NodeFileFormat])[] = [
  // Named by the older system's documents; k3s itself writes none.
  [`${K3S_AGENT}/etc/node-<node>.yaml`, "yaml"],
  // k3s' install.sh, create_systemd_service_file.
  ["/etc/systemd/system/k3s.service", "unit"],
  ["/etc/systemd/system/k3s-agent.service", "unit"],
  // k3s pkg/configfilearg: the folder overrules the file.
  ["/etc/rancher/k3s/config.yaml.d/*.yaml", "yaml"],
  ["/etc/rancher/k3s/config.yaml", "yaml"],
  // k3s pkg/daemons/agent, since 1.32 (`--config-dir` of kubelet); the second is the older system's.
  [`${K3S_AGENT}/etc/kubelet.conf.d/*.conf`, "yaml"],
  [`${K3S_AGENT}/etc/kubelet.config`, "yaml"],
  // kubeadm's 10-kubeadm.conf: KUBELET_EXTRA_ARGS come last and overrule KUBELET_KUBEADM_ARGS.
  ["/etc/default/kubelet", "environment"],
  ["/etc/sysconfig/kubelet", "environment"],
  ["/var/lib/kubelet/kubeadm-flags.env", "environment"],
  ["/var/lib/kubelet/config.yaml", "yaml"],
  // What these components run with is stronger than what kubeadm was once given.
  [`${MANIFESTS}/kube-controller-manager.yaml`, "yaml"],
  [`${MANIFESTS}/kube-apiserver.yaml`, "yaml"],
  ["/etc/kubernetes/kubeadm-config.yaml", "yaml"],
];
