/** What Headscale tells of a node. */
import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/** A node of Headscale's, in the shape of every release from 0.23 on. */
export interface HeadscaleNode {
  /** A decimal number as text: it may not fit a double. */
  readonly id: string;
  /** `nodekey:` and 64 hexadecimal digits, as tailscaled has it. */
  readonly nodeKey: string;
  /** Its name in the tailnet: only for people, never to find a node by. */
  readonly name: string;
  /** Name of its user; empty or a stand-in for tagged nodes. */
  readonly user: string;
  readonly addresses: readonly Address[];
  readonly isOnline: boolean;
  /** RFC 3339; undefined when its key does not expire. */
  readonly expiry: string | undefined;
  readonly tags: readonly string[];
  /** What it advertises. */
  readonly availableRoutes: readonly Prefix[];
  /** What it may serve. */
  readonly approvedRoutes: readonly Prefix[];
  /** What it serves: advertised, approved, and primary. */
  readonly subnetRoutes: readonly Prefix[];
  /** Up to 0.25, where each route is a row that is approved for itself; undefined from 0.26 on. */
  readonly rows?: readonly { readonly id: string; readonly prefix: Prefix }[];
}
