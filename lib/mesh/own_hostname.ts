/** Longest label of a name in DNS: RFC 1035, 2.3.4. */
const MAX_LABEL_CHARACTERS = 63;

/** How a node with a tailscaled of our own is named. */
export interface HostnameWant {
  readonly prefix: string;
  /** `hostname` takes the first label of the node's name, `fqdn` all of them. */
  readonly type: string;
}

/** The name of the node in its tailnet: one label, such as `headcni-pod-edge-7`. */
export function ownHostname({ prefix, type }: HostnameWant, nodeName: string): string {
  const labels = nodeName.split(".");
  const words = type === "fqdn" ? labels : labels.slice(0, 1);
  return [prefix, ...words].join("-").toLowerCase().slice(0, MAX_LABEL_CHARACTERS)
    .replace(/-+$/, "");
}
