/**
 * What can be done to a node and a pod, as data. Pure code plans steps, `lib/linux/` carries them
 * out, tests read them as lines of ip(8) ({@linkcode formatStep}).
 */
import type { Mac } from "../net/mac.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Rate } from "../net/rate.ts";
import type { Route } from "../net/route.ts";
import type { Rule } from "../net/rule.ts";

/** The node's own network namespace, or the pod's. */
export type Place = "host" | "pod";

/** One change. Each kind says how it behaves when it was done before. */
export type Step =
  /** Creates a bridge and brings it up; an existing one is left as it is. */
  | {
    readonly kind: "add-bridge";
    readonly name: string;
    readonly mtuBytes?: number;
    /** Pinned hardware address, so that it does not follow the ports. */
    readonly mac?: Mac;
  }
  /**
   * Creates a veth pair of our link group, its peer at once in the pod; fails when either name is
   * taken.
   */
  | {
    readonly kind: "add-veth";
    readonly name: string;
    readonly mtuBytes: number;
    /** At most 255 bytes, IFALIASZ. */
    readonly alias: string;
    readonly peer: { readonly name: string; readonly mac?: Mac };
  }
  /** Creates an ifb of our link group and brings it up; fails when the name is taken. */
  | {
    readonly kind: "add-ifb";
    readonly name: string;
    readonly mtuBytes: number;
    /** At most 255 bytes, IFALIASZ. */
    readonly alias: string;
  }
  /** Limits what leaves by a link of the host, in place of a limit that it has. */
  | { readonly kind: "limit-link"; readonly name: string; readonly rate: Rate }
  /** Hands all that enters a link of the host to another, in place of what it was handed to. */
  | { readonly kind: "redirect-link"; readonly name: string; readonly to: string }
  /** Changes only the fields that are given. */
  | {
    readonly kind: "set-link";
    readonly place: Place;
    readonly name: string;
    readonly up?: boolean;
    readonly mtuBytes?: number;
    readonly mac?: Mac;
    readonly alias?: string;
    readonly promiscuous?: boolean;
    /** Bridge to enslave to. */
    readonly master?: string;
  }
  /** Flags of a bridge port: IFLA_BRPORT_MODE (hairpin) and IFLA_BRPORT_ISOLATED. */
  | {
    readonly kind: "set-bridge-port";
    readonly name: string;
    readonly hairpin: boolean;
    readonly isolated: boolean;
  }
  /** Removes a link; an absent one is no fault. */
  | { readonly kind: "remove-link"; readonly place: Place; readonly name: string }
  /** Adds an interface address without duplicate address detection; present is no fault. */
  | {
    readonly kind: "add-address";
    readonly place: Place;
    readonly link: string;
    /** The interface address with its prefix length. */
    readonly address: Prefix;
  }
  /** Removes an interface address; absent is no fault. */
  | {
    readonly kind: "remove-address";
    readonly place: Place;
    readonly link: string;
    readonly address: Prefix;
  }
  /** Adds a route; the same route present is no fault. */
  | {
    readonly kind: "add-route";
    readonly place: Place;
    readonly route: Route;
    /** Leave another route to the same destination alone: a pod with several links has one default. */
    readonly keepPresent?: boolean;
  }
  /** Removes a route; absent is no fault. */
  | { readonly kind: "remove-route"; readonly place: Place; readonly route: Route }
  /** Adds a rule; present is no fault. */
  | {
    readonly kind: "add-rule";
    readonly place: Place;
    readonly rule: Rule;
  }
  /** Removes a rule; absent is no fault. */
  | { readonly kind: "remove-rule"; readonly place: Place; readonly rule: Rule }
  /** Writes a sysctl below /proc/sys, unless it has that value; path parts may hold dots. */
  | {
    readonly kind: "set-sysctl";
    readonly place: Place;
    readonly path: readonly string[];
    readonly value: string;
    /** No fault when the kernel has no such sysctl (IPv6 switched off, old kernel). */
    readonly optional?: boolean;
  };

/** The steps of one kind. */
export type StepOf<Kind extends Step["kind"]> = Extract<Step, { readonly kind: Kind }>;
