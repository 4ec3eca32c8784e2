/** What a pod has in the end, whoever gave it: as witnessed by ip(8). */
import type { TestNetns } from "./namespace.ts";

/** One interface of a pod. */
export interface PodState {
  readonly mtuBytes: unknown;
  /** Sorted, with prefix lengths, without the kernel's link-local ones. */
  readonly addresses: readonly string[];
  /** Sorted, as `<destination> [via <gateway>]`, without the kernel's link-local ones. */
  readonly routes: readonly string[];
}

/** Observes an interface of a pod; undefined when there is none of that name. */
export async function observePod(pod: TestNetns, ifname: string): Promise<PodState | undefined> {
  const link = (await pod.ip("address", "show")).find((each) => each.ifname === ifname);
  if (!link) return undefined;
  const addresses = Array.isArray(link.addr_info) ? link.addr_info : [];
  const routes = [
    ...await pod.ip("-4", "route", "show", "dev", ifname),
    ...await pod.ip("-6", "route", "show", "dev", ifname),
  ];
  return {
    mtuBytes: link.mtu,
    addresses: addresses
      .filter(({ scope }) => scope === "global")
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`).sort(),
    routes: routes.filter(({ dst }) => dst !== "fe80::/64").map(formatRoute).sort(),
  };
}

function formatRoute({ dst, gateway, family }: Record<string, unknown>): string {
  const isIpv6 = family === "inet6" || String(gateway).includes(":");
  const destination = dst === "default" ? isIpv6 ? "::/0" : "0.0.0.0/0" : String(dst);
  return gateway === undefined ? destination : `${destination} via ${gateway}`;
}
