import { ConfigError, HeadcniError } from "../errors.ts";
import type { Host, OpenHostOptions } from "../host/host.ts";
import type { Place, Step } from "../host/step.ts";
import { type Family, parseAddress } from "../net/address.ts";
import type { Link, LinkAddress } from "../net/link.ts";
import type { ShapedQueue } from "../net/rate.ts";
import type { KernelRoute } from "../net/route.ts";
import type { KernelRule } from "../net/rule.ts";
import { decodeAddress, listAddresses } from "../netlink/address.ts";
import { decodeLink, listLinks } from "../netlink/link.ts";
import { decodeBucket, getRootQdisc } from "../netlink/qdisc.ts";
import { decodeRedirect, listIngressFilters } from "../netlink/redirect.ts";
import { decodeRoute, listRoutes, lookUpRoute, RT_TABLE_LOCAL } from "../netlink/route.ts";
import { decodeRule, listRules } from "../netlink/rule.ts";
import { applyStep } from "./apply.ts";
import {
  EACCES,
  EAFNOSUPPORT,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  ENODEV,
  EOPNOTSUPP,
} from "./errno.ts";
import { Namespace } from "./namespace.ts";
import { isOwnNetns } from "./netns.ts";
import { removeLinksInBackground } from "./remove_links.ts";
import { readSysctl } from "./sysctl.ts";

/** Addresses that are no one's, so that only a default route leads there: RFC 5737, RFC 3849. */
const OUTSIDE_ADDRESSES = ["192.0.2.1", "2001:db8::1"];

/**
 * How a route lookup is refused: no route, an `unreachable`, `prohibit` or `blackhole` one
 * (`fib_props`, net/ipv4/fib_semantics.c), or a kernel without that family.
 */
const NO_WAY_OUT = [ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL, EOPNOTSUPP, EAFNOSUPPORT];

/**
 * Opens the kernel of this node, and the namespace of a pod.
 * @throws ConfigError `invalid-netns` when the pod's namespace is gone, is none, or is our own.
 * @throws KernelError when the kernel refuses.
 */
export function openLinuxHost({ netns, allowOwnNetns = false }: OpenHostOptions = {}): Host {
  if (netns !== undefined && !allowOwnNetns && isOwnNetns(netns)) {
    throw new ConfigError(
      "invalid-netns",
      `Cannot use network namespace "${netns}" as a pod's: it is the node's own`,
    );
  }
  using opened = new DisposableStack();
  const pod = netns === undefined ? undefined : opened.use(Namespace.open(netns));
  const host = new LinuxHost(Namespace.open(), pod);
  opened.move();
  return host;
}

class LinuxHost implements Host {
  readonly #host: Namespace;
  readonly #pod: Namespace | undefined;

  constructor(host: Namespace, pod: Namespace | undefined) {
    this.#host = host;
    this.#pod = pod;
  }

  apply(step: Step): void {
    applyStep(step, (place) => this.#at(place));
    if (step.kind === "remove-link") this.#forgetLinks();
  }

  findLink(place: Place, name: string): Link | undefined {
    return this.#at(place).routes.findLink(name);
  }

  listLinks(place: Place): Link[] {
    return this.#at(place).routes.answer(listLinks(), "list links").map(decodeLink);
  }

  hasPorts(bridgeIndex: number): boolean {
    return this.#host.routes.answer(listLinks(bridgeIndex), "list ports").map(decodeLink)
      .some(({ masterIndex }) => masterIndex === bridgeIndex);
  }

  uplinkMtuBytes(): number | undefined {
    const sizes = OUTSIDE_ADDRESSES.flatMap((address) => this.#linkTowards(address) ?? [])
      .map(({ mtuBytes }) => mtuBytes);
    return sizes.length > 0 ? Math.min(...sizes) : undefined;
  }

  listAddresses(place: Place, linkIndex?: number): LinkAddress[] {
    return this.#at(place).routes.answer(listAddresses(linkIndex), "list addresses")
      .flatMap((message) => decodeAddress(message) ?? [])
      .filter((address) => linkIndex === undefined || address.linkIndex === linkIndex);
  }

  listRoutes(place: Place): KernelRoute[] {
    return this.#at(place).routes.answer(listRoutes(), "list routes")
      .flatMap((message) => decodeRoute(message) ?? [])
      .filter(({ table }) => table !== RT_TABLE_LOCAL);
  }

  listRules(place: Place, family: Family): KernelRule[] {
    return this.#at(place).routes.answer(listRules(family), "list rules")
      .flatMap((message) => decodeRule(message) ?? []);
  }

  findLimit(linkIndex: number): ShapedQueue | undefined {
    const [message] = this.#host.routes.answer(getRootQdisc(linkIndex), "find a limit", [ENODEV]);
    return message && decodeBucket(message);
  }

  findRedirect(linkIndex: number): number | undefined {
    return this.#host.routes.answer(listIngressFilters(linkIndex), "list filters")
      .map(decodeRedirect).find((index) => index !== undefined);
  }

  readSysctl(place: Place, path: readonly string[]): string | undefined {
    return this.#at(place).run(() => readSysctl(path));
  }

  async removeLinksInBackground(names: readonly string[]): Promise<void> {
    await removeLinksInBackground(names);
    this.#forgetLinks();
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]();
    this.#pod?.[Symbol.dispose]();
  }

  /** A veth takes its other end along, so both places may have lost a link. */
  #forgetLinks(): void {
    this.#host.routes.forgetLinks();
    this.#pod?.routes.forgetLinks();
  }

  #at(place: Place): Namespace {
    if (place === "host") return this.#host;
    if (this.#pod) return this.#pod;
    throw new HeadcniError("internal", "Cannot work in the pod: no network namespace was opened");
  }

  /** The link by which our own traffic to an address leaves. */
  #linkTowards(address: string): Link | undefined {
    const { routes } = this.#host;
    const request = lookUpRoute(parseAddress(address));
    const [message] = routes.answer(request, `find the route to "${address}"`, NO_WAY_OUT);
    const index = message && decodeRoute(message)?.linkIndex;
    return index === undefined ? undefined : routes.findLink(index);
  }
}
