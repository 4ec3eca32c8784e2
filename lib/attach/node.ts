import type { Host, OpenHostOptions } from "../host/host.ts";
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
