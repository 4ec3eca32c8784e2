import { assertEquals } from "@std/assert";
import type { Result } from "../cni/result.ts";
import { parseAddress } from "../net/address.ts";
import type { Link } from "../net/link.ts";
import { parsePrefix } from "../net/prefix.ts";
import { type AttachmentFacts, type CheckedNetwork, diffAttachment } from "./check.ts";

const NETWORK: CheckedNetwork = { datapath: "bridge", bridge: "headcni0", isGateway: true };
const IDENTITY = {
  key: { network: "pods", containerId: "c1", ifname: "eth0" },
  pod: {},
  hostLink: "veth1",
};
const LINK: Link = {
  index: 0,
  name: "",
  mtuBytes: 1280,
  up: true,
  promiscuous: false,
  carrier: true,
};
const GATEWAY = parseAddress("10.0.0.1");
const GOOD: AttachmentFacts = {
  bridge: { ...LINK, index: 5, name: "headcni0" },
  hostLink: { ...LINK, index: 6, name: "veth1", masterIndex: 5, peerIndex: 2 },
  gatewayAddresses: [{
    linkIndex: 5,
    address: parsePrefix("10.0.0.1/24"),
    scope: 0,
    tentative: false,
  }],
  hostRoutes: [],
  notForwarded: [],
  podLink: { ...LINK, index: 2, name: "eth0", mac: Uint8Array.of(2, 0, 0, 0, 0, 1) },
  podAddresses: [{
    linkIndex: 2,
    address: parsePrefix("10.0.0.2/24"),
    scope: 0,
    tentative: false,
  }],
  podRoutes: [{
    destination: parsePrefix("0.0.0.0/0"),
    gateway: GATEWAY,
    linkIndex: 2,
    onlink: false,
    table: 254,
    scope: 0,
    protocol: 3,
    routeType: 1,
  }],
};
const RESULT: Result = {
  interfaces: [
    { name: "headcni0" },
    { name: "veth1" },
    { name: "eth0", mac: "02:00:00:00:00:01", sandbox: "/x" },
    { name: "other", sandbox: "/x" },
  ],
  ips: [
    { address: parsePrefix("10.0.0.2/24"), gateway: GATEWAY, interface: 2 },
    { address: parsePrefix("192.0.2.1/24"), interface: 3 },
  ],
  routes: [{ dst: parsePrefix("0.0.0.0/0"), gw: GATEWAY }],
  dns: {},
};

Deno.test("diffAttachment: nothing to say when all is there", () => {
  assertEquals(diffAttachment(NETWORK, IDENTITY, RESULT, GOOD), []);
});

Deno.test("diffAttachment: names each difference", () => {
  const { bridge, hostLink, podLink } = GOOD;
  if (!bridge || !hostLink || !podLink) throw new Error("the fixture has all links");
  const cases: [Partial<AttachmentFacts>, string][] = [
    [{ hostLink: undefined }, "host link veth1 is missing"],
    [{ podLink: undefined }, "link eth0 is missing in the pod"],
    [{ bridge: undefined }, "bridge headcni0 is missing"],
    [{ bridge: { ...bridge, up: false } }, "bridge headcni0 is down"],
    [{ bridge: { ...bridge, index: 9 } }, "host link veth1 is not a port of bridge headcni0"],
    [{ hostLink: { ...hostLink, up: false } }, "host link veth1 is down"],
    [
      { hostLink: { ...hostLink, peerIndex: 9 } },
      "link eth0 of the pod is not the other end of veth1",
    ],
    [{ podLink: { ...podLink, up: false } }, "link eth0 is down in the pod"],
    [
      { podLink: { ...podLink, mac: Uint8Array.of(2, 0, 0, 0, 0, 9) } },
      "link eth0 has MAC 02:00:00:00:00:09 instead of 02:00:00:00:00:01",
    ],
    [{ gatewayAddresses: [] }, "gateway 10.0.0.1 is missing on headcni0"],
    [{ podAddresses: [] }, "address 10.0.0.2/24 is missing on eth0"],
    [{ notForwarded: [4] }, "the node does not forward IPv4"],
    [{ podRoutes: [] }, "route 0.0.0.0/0 via 10.0.0.1 is missing in the pod"],
    [
      {
        podRoutes: GOOD.podRoutes.map((route) => ({ ...route, gateway: parseAddress("10.0.0.9") })),
      },
      "route 0.0.0.0/0 via 10.0.0.1 is missing in the pod",
    ],
  ];
  for (const [change, text] of cases) {
    assertEquals(diffAttachment(NETWORK, IDENTITY, RESULT, { ...GOOD, ...change }), [text]);
  }
});

Deno.test("diffAttachment: a node that is no gateway needs no gateway address", () => {
  const facts = { ...GOOD, gatewayAddresses: [] };
  assertEquals(diffAttachment({ ...NETWORK, isGateway: false }, IDENTITY, RESULT, facts), []);
});

Deno.test("diffAttachment: datapath ptp has the gateway on the host link, and a route to the pod", () => {
  const network: CheckedNetwork = { ...NETWORK, datapath: "ptp" };
  const [route] = GOOD.podRoutes;
  if (!route) throw new Error("the fixture has a route");
  const hostRoutes = [{ ...route, destination: parsePrefix("10.0.0.2/32"), linkIndex: 6 }];
  assertEquals(diffAttachment(network, IDENTITY, RESULT, { ...GOOD, hostRoutes }), []);
  assertEquals(diffAttachment(network, IDENTITY, RESULT, { ...GOOD, gatewayAddresses: [] }), [
    "gateway 10.0.0.1 is missing on veth1",
    "the node has no route to 10.0.0.2/32 by veth1",
  ]);
});

Deno.test("diffAttachment: a route of another link of the pod has the say", () => {
  const podRoutes = GOOD.podRoutes.map((route) => ({
    ...route,
    linkIndex: 9,
    gateway: parseAddress("10.9.0.1"),
  }));
  assertEquals(diffAttachment(NETWORK, IDENTITY, RESULT, { ...GOOD, podRoutes }), []);
});

Deno.test("diffAttachment: forwarding counts only for families that the pod has", () => {
  assertEquals(diffAttachment(NETWORK, IDENTITY, RESULT, { ...GOOD, notForwarded: [6] }), []);
});
