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

/** How log lines and errors name an attachment. */
export function formatAttachment(key: AttachmentKey): string {
  return `${key.network}/${key.containerId}/${key.ifname}`;
}
