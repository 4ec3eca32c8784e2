import type { Host, OpenHostOptions } from "../host/host.ts";
import type { HostPort, HostPortOwner, KernelHostPort } from "../net/host_port.ts";
import type { Masquerade } from "../nft/masquerade.ts";

/** Our part of the node's packet filter. */
export interface Firewall extends Disposable {
  /**
   * Adds what is missing, and nothing when all is there.
   * @throws KernelError.
   */
  ensureMasquerade(want: Masquerade): void;
  /**
   * Tells what is missing, one text each.
   * @throws KernelError.
   */
  missingMasquerade(want: Masquerade): string[];
  /**
   * Leads host ports to a pod, all or none, and forgets what the kernel remembers of packets that
   * went elsewhere. Nothing is asked or sent for an empty list.
   * @throws ConfigError `port-taken` that names the port and the link of its owner; KernelError.
   */
  ensureHostPorts(ports: readonly HostPort[], owner: HostPortOwner): void;
  /**
   * Tells what is missing, and which ports lead elsewhere, one text each.
   * @throws KernelError.
   */
  missingHostPorts(ports: readonly HostPort[], owner: HostPortOwner): string[];
  /**
   * Removes those of the ports that are the owner's, and forgets the flows that they led to the
   * pod; absent ones are no fault.
   * @param link name of the host's end of the owner's link.
   * @throws KernelError.
   */
  removeHostPorts(ports: readonly HostPort[], link: string): void;
  /** {@linkcode removeHostPorts} on another thread; nothing else may be asked until it is over. */
  removeHostPortsInBackground(ports: readonly HostPort[], link: string): Promise<void>;
  /**
   * What the kernel has in the place of the ports, whoever's it is: of a link that is gone it is a
   * left-over.
   * @throws KernelError.
   */
  findHostPorts(ports: readonly HostPort[]): KernelHostPort[];
  /**
   * All host ports of the node: for GC, and for a DEL whose record was lost.
   * @throws KernelError.
   */
  listHostPorts(): KernelHostPort[];
}

/** The operating system under us, one of `lib/platform.ts`. */
export interface Node {
  /**
   * Opens the kernel of this node, and the namespace of a pod.
   * @throws ConfigError when the namespace is missing, is none, or is our own; KernelError.
   */
  openHost(options?: OpenHostOptions): Host;
  openFirewall(): Firewall;
  /** Names the current boot: /proc/sys/kernel/random/boot_id. */
  bootId(): string;
  /** Milliseconds since boot, sleep included: CLOCK_BOOTTIME, which nobody can set back. */
  uptimeMs(): number;
  /** Names the network namespace in which we are, and see links: /proc/self/ns/net. */
  netns(): string;
}
