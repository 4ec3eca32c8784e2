/** Steps that both datapaths share: the pod's veth, sysctls, bringing it up. */
import type { Step } from "../host/step.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import { macFromAddress } from "../net/mac.ts";
import type { PodIp } from "./addresses.ts";
import type { Route } from "../net/route.ts";
import type { PodNetwork } from "./config.ts";
import type { PodIdentity } from "./facts.ts";
import { formatAlias } from "./identity.ts";

/** Sysctls that make the node forward, below /proc/sys: ip-sysctl of the kernel's documentation. */
export const FORWARDING: Readonly<Record<Family, readonly string[]>> = {
  4: ["net", "ipv4", "ip_forward"],
  6: ["net", "ipv6", "conf", "all", "forwarding"],
};

/**
 * Creates the veth pair and prepares its end in the pod while it is still down: no duplicate
 * address detection (it takes 1.8 s), announcements of new addresses, addresses that survive a
 * link going down.
 */
export function addPodLink(
  network: PodNetwork,
  identity: PodIdentity,
  ips: readonly PodIp[],
  mtuBytes: number,
): Step[] {
  const { key, pod, hostLink } = identity;
  const addresses = ips.map(({ address }) => address.address);
  const [first] = addresses;
  const mac = network.mac ?? (first && macFromAddress(first));
  return [
    {
      kind: "add-veth",
      name: hostLink,
      mtuBytes,
      alias: formatAlias(key, addresses, pod),
      peer: { name: key.ifname, ...mac && { mac } },
    },
    podSysctl(["net", "ipv4", "conf", key.ifname, "arp_notify"], "1"),
    ...hasFamily(ips, 6)
      ? [
        podSysctl(["net", "ipv6", "conf", "lo", "disable_ipv6"], "0"),
        podSysctl(["net", "ipv6", "conf", key.ifname, "disable_ipv6"], "0"),
        podSysctl(["net", "ipv6", "conf", key.ifname, "accept_dad"], "0"),
        podSysctl(["net", "ipv6", "conf", key.ifname, "keep_addr_on_down"], "1"),
      ]
      : [],
    ...ipv6LinkSysctls(hostLink),
  ];
}

/** Sets both ends up, the host's first: the pod's end then has carrier as soon as it is up. */
export function bringUp(identity: PodIdentity): Step[] {
  return [
    { kind: "set-link", place: "host", name: identity.hostLink, up: true },
    { kind: "set-link", place: "pod", name: identity.key.ifname, up: true },
  ];
}

/** Adds routes to the pod; of its several links the first has the say about a destination. */
export function addPodRoutes(routes: readonly Route[]): Step[] {
  return routes.map((route) => ({ kind: "add-route", place: "pod", route, keepPresent: true }));
}

/** The node routes for pods: forwarding on, for the families that pods have. */
export function forwardingSysctls(ips: readonly PodIp[]): Step[] {
  return FAMILIES.filter((family) => hasFamily(ips, family)).map((family): Step => ({
    kind: "set-sysctl",
    place: "host",
    path: FORWARDING[family],
    value: "1",
  }));
}

/**
 * A link that faces pods takes no router advertisements from them, and its link-local address is
 * ready at once: until duplicate address detection is over the node cannot ask for a pod's MAC.
 */
export function ipv6LinkSysctls(link: string): Step[] {
  return ["accept_ra", "accept_dad"].map((name): Step => ({
    kind: "set-sysctl",
    place: "host",
    path: ["net", "ipv6", "conf", link, name],
    value: "0",
    optional: true,
  }));
}

function podSysctl(path: readonly string[], value: string): Step {
  return { kind: "set-sysctl", place: "pod", path, value, optional: path[1] === "ipv4" };
}

function hasFamily(ips: readonly PodIp[], family: Family): boolean {
  return ips.some(({ address }) => address.address.family === family);
}
