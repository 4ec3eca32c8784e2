/**
 * What tailscaled tells of the tailnet and what it is set to do: the facts that decisions about the
 * mesh stand on. Names are those of tailscale's `ipnstate.Status` and `ipn.Prefs`.
 */
import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/** The state machine of tailscaled: ipn/backend.go. Others than these may come. */
export type BackendState =
  | "NoState"
  | "InUseOtherUser"
  | "NeedsLogin"
  | "NeedsMachineAuth"
  | "Stopped"
  | "Starting"
  | "Running";

/** A node of the tailnet, as our tailscaled knows it. */
export interface TailnetNode {
  /** `nodekey:` and 64 hexadecimal digits; it changes when the node logs in again. */
  readonly nodeKey: string;
  readonly hostName: string;
  /** Full name in the tailnet, without the final dot; may be empty. */
  readonly dnsName: string;
  readonly addresses: readonly Address[];
  /** What its WireGuard takes packets from and to: its addresses and its routes that are served. */
  readonly allowedIps: readonly Prefix[];
  /** Routes that it alone serves at the moment. */
  readonly primaryRoutes: readonly Prefix[];
  readonly tags: readonly string[];
  readonly isOnline: boolean;
  /** RFC 3339; undefined when its key does not expire. */
  readonly keyExpiry: string | undefined;
  readonly isExpired: boolean;
}

/** A peer, with the way to it. */
export interface TailnetPeer extends TailnetNode {
  /** Address and port of the direct way to it; empty when there is none. */
  readonly directAddress: string;
  /** Code of the DERP region by which it can be reached. */
  readonly relay: string;
  /** RFC 3339; undefined before the first handshake. */
  readonly lastHandshake: string | undefined;
}

/** The tailnet as our tailscaled sees it. */
export interface TailnetStatus {
  readonly backendState: BackendState | string;
  readonly version: string;
  /** False in userspace-networking mode: then the kernel knows no tailnet, and pods reach none. */
  readonly hasTun: boolean;
  /** Undefined before the first login. */
  readonly self: TailnetNode | undefined;
  readonly peers: readonly TailnetPeer[];
  /** Its own complaints. */
  readonly health: readonly string[];
  /** Where a person can log the node in; empty when nothing waits for that. */
  readonly authUrl: string;
  readonly hasNodeKey: boolean;
}

/** What tailscaled is set to do, as far as we look at it. */
export interface TailnetPrefs {
  readonly controlUrl: string;
  /** Accepts the routes of others: `--accept-routes`. */
  readonly routeAll: boolean;
  readonly advertiseRoutes: readonly Prefix[];
  /** `--snat-subnet-routes=false`. */
  readonly noSnat: boolean;
  /** `--stateful-filtering=false`. */
  readonly noStatefulFiltering: boolean;
  /** 0 off, 1 nodivert, 2 on. */
  readonly netfilterMode: number;
  readonly corpDns: boolean;
  readonly wantRunning: boolean;
  readonly loggedOut: boolean;
  /** Empty: that of the machine. */
  readonly hostname: string;
  readonly shieldsUp: boolean;
  /** Node or address of an exit node in use; empty for none. */
  readonly exitNode: string;
}

/** Settings to change; what is left out stays. A list replaces the whole list. */
export type PrefsChange = {
  readonly [
    Key in
      | "controlUrl"
      | "routeAll"
      | "advertiseRoutes"
      | "noSnat"
      | "noStatefulFiltering"
      | "corpDns"
      | "wantRunning"
      | "loggedOut"
      | "hostname"
  ]?: TailnetPrefs[Key];
};
