/** The status of a tailscaled, from the JSON of `ipnstate.Status`: tailscale, ipn/ipnstate. */
import * as v from "valibot";
import type { TailnetNode, TailnetPeer, TailnetStatus } from "../mesh/tailnet.ts";
import { parseWith } from "../schema.ts";
import { wireAddresses, wireFlag, wirePrefixes, wireText, wireTexts, wireTime } from "./wire.ts";

const Node = v.object({
  PublicKey: wireText,
  HostName: wireText,
  DNSName: wireText,
  TailscaleIPs: wireAddresses,
  AllowedIPs: wirePrefixes,
  PrimaryRoutes: wirePrefixes,
  Tags: wireTexts,
  Online: wireFlag,
  KeyExpiry: wireText,
  Expired: wireFlag,
  CurAddr: wireText,
  Relay: wireText,
  LastHandshake: wireText,
});

const Status = v.object({
  BackendState: v.string(),
  Version: wireText,
  // Absent from those that could not do without.
  TUN: v.nullish(v.boolean()),
  Self: v.nullish(Node),
  // What a later release says of others in other words costs them alone.
  Peer: v.nullish(v.record(v.string(), v.fallback(v.nullish(Node), null))),
  Health: v.fallback(wireTexts, []),
  AuthURL: wireText,
  HaveNodeKey: wireFlag,
});

/**
 * Reads the answer of `GET status`.
 * @throws ConfigError when it is none.
 */
export function parseStatus(value: unknown): TailnetStatus {
  const raw = parseWith(Status, value, "the status of tailscaled");
  const peers = Object.values(raw.Peer ?? {}).filter((peer) => peer !== null && peer !== undefined);
  return {
    backendState: raw.BackendState,
    version: raw.Version,
    hasTun: raw.TUN ?? true,
    self: raw.Self && !isZeroKey(raw.Self.PublicKey) ? toNode(raw.Self) : undefined,
    peers: peers.map(toPeer),
    health: raw.Health,
    authUrl: raw.AuthURL,
    hasNodeKey: raw.HaveNodeKey,
  };
}

function toNode(raw: v.InferOutput<typeof Node>): TailnetNode {
  return {
    nodeKey: raw.PublicKey,
    hostName: raw.HostName,
    dnsName: raw.DNSName.replace(/\.$/, ""),
    addresses: raw.TailscaleIPs,
    allowedIps: raw.AllowedIPs,
    primaryRoutes: raw.PrimaryRoutes,
    tags: raw.Tags,
    isOnline: raw.Online,
    keyExpiry: wireTime(raw.KeyExpiry),
    isExpired: raw.Expired,
  };
}

function toPeer(raw: v.InferOutput<typeof Node>): TailnetPeer {
  return {
    ...toNode(raw),
    directAddress: raw.CurAddr,
    relay: raw.Relay,
    lastHandshake: wireTime(raw.LastHandshake),
  };
}

/** A node that never logged in has a key of zeros. */
function isZeroKey(key: string): boolean {
  return /^(nodekey:0*)?$/.test(key);
}
