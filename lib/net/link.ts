import { byteLength } from "../byte_length.ts";
import type { Mac } from "./mac.ts";
import type { Prefix } from "./prefix.ts";

/**
 * Link group of the links that we make for a pod, "HCNI" in ASCII: it tells them from anybody else's before
 * they have their alias, which the kernel takes only in a second request.
 */
export const HEADCNI_LINK_GROUP = 0x48434e49;

/** Longest interface name in bytes without the NUL: `IFNAMSIZ - 1`, linux/if.h. */
export const MAX_IFNAME_BYTES = 15;

/** A network interface as the kernel reports it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtuBytes: number;
  readonly mac?: Mac;
  /** IFF_UP: administratively up. */
  readonly up: boolean;
  /** IFF_PROMISC. */
  readonly promiscuous: boolean;
  /** IFF_LOWER_UP: carrier. */
  readonly carrier: boolean;
  readonly alias?: string;
  /** Link group, absent when it is the default one, 0. */
  readonly group?: number;
  /** `bridge`, `veth`, and so on; absent for physical devices. */
  readonly linkKind?: string;
  /** Interface index of the bridge that this link is a port of. */
  readonly masterIndex?: number;
  /** Index of the other end of a veth pair, in its own namespace. */
  readonly peerIndex?: number;
  /** Flags of a bridge port. */
  readonly port?: { readonly hairpin: boolean; readonly isolated: boolean };
}

/** An address on an interface. */
export interface LinkAddress {
  readonly linkIndex: number;
  /** The interface address with its prefix length. */
  readonly address: Prefix;
  /** rtnetlink scope: 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** IPv6 address whose duplicate address detection is not over or failed. */
  readonly tentative: boolean;
  /** Who added it: RTPROT_* of ours, or IFAPROT_* of the kernel; absent where nobody said. */
  readonly protocol?: number;
}

/**
 * Why no interface can have this name, to be said after "interface name"; undefined for a good one.
 * The rule is the kernel's, dev_valid_name() in net/core/dev.c; the words are those of the CNI
 * reference library. Patterns such as `eth%d`, of which the kernel makes names, are refused too.
 */
export function linkNameFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (byteLength(name) > MAX_IFNAME_BYTES) return "is too long";
  if (name === "." || name === "..") return "is . or ..";
  if (/[/:\s]/.test(name)) return "contains / or : or whitespace characters";
  if (name.includes("%")) return "contains %, which the kernel replaces by a number";
  return undefined;
}
