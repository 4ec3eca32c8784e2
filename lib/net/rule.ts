import type { Family } from "./address.ts";
import type { Prefix } from "./prefix.ts";

/** An `ip rule`: traffic to or from a prefix is looked up in a table. */
export interface Rule {
  readonly family: Family;
  /** Order: lower is asked first. */
  readonly priority: number;
  readonly from?: Prefix;
  readonly to?: Prefix;
  readonly table: number;
}

/** A rule as the kernel reports it. */
export interface KernelRule extends Rule {
  /** Who made it: RTPROT_*, linux/rtnetlink.h. */
  readonly protocol: number;
}
