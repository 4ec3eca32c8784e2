import { assertEquals, assertThrows } from "@std/assert";
import { formatAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { parseStatus } from "./status.ts";

const KEY = `nodekey:${"1f".repeat(32)}`;

Deno.test("parseStatus: our own node, peers, and what waits for a person", () => {
  const status = parseStatus({
    Version: "1.98.10-t1",
    TUN: false,
    BackendState: "Running",
    HaveNodeKey: true,
    AuthURL: "",
    Self: {
      PublicKey: KEY,
      HostName: "edge-7",
      DNSName: "edge-7.tail.test.",
      TailscaleIPs: ["100.64.0.1", "fd7a::1"],
      AllowedIPs: ["100.64.0.1/32", "10.244.0.0/24"],
      PrimaryRoutes: ["10.244.0.0/24"],
      Tags: ["tag:k8s"],
      Online: true,
      KeyExpiry: "2027-01-02T03:04:05Z",
    },
    Peer: {
      [KEY]: {
        PublicKey: KEY,
        HostName: "edge-8",
        CurAddr: "192.0.2.8:41641",
        Relay: "fra",
        LastHandshake: "0001-01-01T00:00:00Z",
        Expired: true,
      },
    },
    Health: ["x"],
    FromLater: [],
  });
  const { self, peers, ...rest } = status;
  assertEquals(rest, {
    backendState: "Running",
    version: "1.98.10-t1",
    hasTun: false,
    health: ["x"],
    authUrl: "",
    hasNodeKey: true,
  });
  assertEquals(
    [
      ...[self?.nodeKey, self?.dnsName, self?.keyExpiry, self?.isOnline, self?.isExpired],
      ...[self?.addresses.map(formatAddress), self?.allowedIps.map(formatPrefix)],
      ...[self?.primaryRoutes.map(formatPrefix), self?.tags],
    ],
    [
      ...[KEY, "edge-7.tail.test", "2027-01-02T03:04:05Z", true, false],
      ...[["100.64.0.1", "fd7a::1"], ["100.64.0.1/32", "10.244.0.0/24"]],
      ...[["10.244.0.0/24"], ["tag:k8s"]],
    ],
  );
  assertEquals(
    peers.map((peer) => [peer.hostName, peer.directAddress, peer.relay, peer.lastHandshake]),
    [["edge-8", "192.0.2.8:41641", "fra", undefined]],
  );
});

Deno.test("parseStatus: null lists, absent fields and unknown states", () => {
  const none = { health: [], peers: [], self: undefined, hasTun: true, hasNodeKey: false };
  const zero = `nodekey:${"0".repeat(64)}`;
  const rows = [
    { BackendState: "Hibernating" },
    { BackendState: "Hibernating", Peer: null, Self: null, Health: null, TUN: null },
    { BackendState: "Hibernating", Peer: { a: null }, Self: { PublicKey: zero, Tags: null } },
  ];
  for (const row of rows) {
    const { health, peers, self, hasTun, hasNodeKey, backendState } = parseStatus(row);
    assertEquals({ health, peers, self, hasTun, hasNodeKey }, none);
    assertEquals(backendState, "Hibernating");
  }
});

Deno.test("parseStatus: an address that is none is left out", () => {
  const { self } = parseStatus({
    BackendState: "Running",
    Self: { PublicKey: KEY, TailscaleIPs: ["", "100.64.0.1"], AllowedIPs: ["x", "10.0.0.0/8"] },
  });
  assertEquals(self?.addresses.map(formatAddress), ["100.64.0.1"]);
  assertEquals(self?.allowedIps.map(formatPrefix), ["10.0.0.0/8"]);
});

Deno.test("parseStatus: a peer that makes no sense costs no other, nor do complaints", () => {
  const { peers, health } = parseStatus({
    BackendState: "Running",
    Peer: { a: { HostName: "edge-8", Relay: { Code: "fra" } }, b: 4, c: { HostName: "edge-9" } },
    Health: [{ Code: "dns" }],
  });
  assertEquals([peers.map(({ hostName }) => hostName), health], [["edge-9"], []]);
  // Of ourselves it would be half a truth.
  const Self = { PublicKey: KEY, AllowedIPs: {} };
  assertThrows(() => parseStatus({ BackendState: "Running", Self }), Error, "AllowedIPs");
});

Deno.test("parseStatus: what is no status is refused", () => {
  for (const value of [{}, [], null, "x", { BackendState: 4 }]) {
    assertThrows(() => parseStatus(value), Error, "the status of tailscaled");
  }
});
