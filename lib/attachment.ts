/** One interface of one container on one network: the unit that ADD makes and DEL removes. */
export interface AttachmentKey {
  /** Network name, `name` of the network configuration. */
  readonly network: string;
  /** `CNI_CONTAINERID`. */
  readonly containerId: string;
  /** `CNI_IFNAME`, the interface inside the container. */
  readonly ifname: string;
}

/** The Kubernetes pod that an attachment belongs to, from `CNI_ARGS`; absent fields were not sent. */
export interface PodReference {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
}

/** A part of a network configuration that has several: what one plugin has to do. */
export interface Member {
  /** `native` is our own network plugin, in this process; `plugin` is an executable of `CNI_PATH`. */
  readonly kind: "native" | "plugin";
  /** Name of the plugin. */
  readonly type: string;
  /** Its network configuration, plain JSON, without the result of those before it. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Where containerd puts the annotations of a pod into `runtimeConfig`, for a plugin with that
 * capability: containerd, pkg/cri/annotations.
 */
export const POD_ANNOTATIONS = "io.kubernetes.cri.pod-annotations";

/** How log lines and errors name an attachment. */
export function formatAttachment(key: AttachmentKey): string {
  return `${key.network}/${key.containerId}/${key.ifname}`;
}

/** Each item by the text of its key; of several that are about one attachment the last. */
export function byAttachment<T extends { readonly key: AttachmentKey }>(
  items: readonly T[],
): Map<string, T> {
  return new Map(items.map((item) => [formatAttachment(item.key), item]));
}
