import type { Family } from "../net/address.ts";
import type { Link, LinkAddress } from "../net/link.ts";
import type { ShapedQueue } from "../net/rate.ts";
import type { KernelRoute } from "../net/route.ts";
import type { KernelRule } from "../net/rule.ts";
import type { Place, Step } from "./step.ts";

/**
 * The kernel of a node, and the pod's namespace where there is one. Everything is synchronous:
 * one request, one answer, in our own process (`lib/linux/host.ts`).
 * Every method throws KernelError with the call, the errno and the kernel's own words.
 */
export interface Host extends Disposable {
  /** Carries out one step. */
  apply(step: Step): void;
  /** The link of that name, or undefined. */
  findLink(place: Place, name: string): Link | undefined;
  listLinks(place: Place): Link[];
  /** True when a bridge of the host has at least one port. */
  hasPorts(bridgeIndex: number): boolean;
  /**
   * MTU of the link that the host's own traffic to the outside takes, the smaller of both families;
   * undefined when there is no way out.
   */
  uplinkMtuBytes(): number | undefined;
  /** Addresses of both families, of one link or of all. */
  listAddresses(place: Place, linkIndex?: number): LinkAddress[];
  /** Routes of all tables but `local` (255), of both families. */
  listRoutes(place: Place): KernelRoute[];
  listRules(place: Place, family: Family): KernelRule[];
  /** The limit of what leaves by a link of the host, or undefined when it has none. */
  findLimit(linkIndex: number): ShapedQueue | undefined;
  /**
   * The index of the link that is handed all that enters a link of the host, 0 when that link is
   * gone; undefined when nothing is handed on.
   */
  findRedirect(linkIndex: number): number | undefined;
  /** A sysctl's value without its newline, or undefined when there is none. */
  readSysctl(place: Place, path: readonly string[]): string | undefined;
  /**
   * Removes links of the host on another thread, in the time of one: waiting for the kernel (18 ms for
   * a veth) does not hold up the caller. Absent links are no fault; when it is killed in between, those
   * that stay still have their alias.
   */
  removeLinksInBackground(names: readonly string[]): Promise<void>;
}

/** How a host and a pod's namespace are opened. */
export interface OpenHostOptions {
  /** Path of the pod's namespace; absent to work on the host alone. */
  readonly netns?: string;
  /** Take a namespace that is our own, which a pod's never is: only tests want that. */
  readonly allowOwnNetns?: boolean;
}
