/**
 * How `headcni-ipam` is known to differ from host-local: each difference with the reason, an example
 * that shows it, and how host-local must be called so that both do the same.
 */
import { addOffset, formatAddress, isBetween, parseAddress } from "../../lib/net/address.ts";
import { lastAddress, parsePrefix } from "../../lib/net/prefix.ts";
import type { Draw, DrawnNetwork, DrawnRange, DrawnRequests, Fault } from "./ipam_draw.ts";

/** A known difference. */
export interface Difference {
  /** What ours does. */
  readonly name: string;
  readonly why: string;
  /** Calls on nothing, the last of which shows it. */
  readonly example: readonly Draw[];
  /** What host-local answers to the last: addresses, or a part of its error text. */
  readonly theirs: string;
  /** What ours answers. */
  readonly ours: string;
  /** How host-local must be called to do as ours does; undefined when the call is no such case. */
  readonly adapt?: (call: TheirCall, leased: Leases) => TheirCall | undefined;
}

/** How host-local is called in the place of ours. */
export interface TheirCall {
  /** Undefined: not at all, for ours must fail whatever it would do. */
  readonly draw: Draw | undefined;
  /** Addresses that it must not give. */
  readonly keptBack: readonly string[];
}

/** The configuration by which an attachment got what it has; by {@linkcode attachmentOf}. */
export type Leases = ReadonlyMap<string, DrawnNetwork>;

/** Name of the difference for which host-local's own files must be put right after a call. */
export const LEAVES_CURSORS = "after an ADD that failed the next one gets the same address";

const SMALL = network([[{ subnet: "10.0.0.0/29" }]]);

const HOST_BITS: Fault = {
  name: "host bits",
  refusedInDel: "by host-local",
  sets: [[{ subnet: "10.0.0.8/24" }]],
};

/** Every known difference. */
export const DIFFERENCES: readonly Difference[] = [
  {
    name: "network and broadcast addresses are never given",
    why:
      "No pod can use 10.0.0.0/24, although rangeStart says so; nor the broadcast address, nor " +
      "what RFC 4291 section 2.6.1 keeps for routers",
    example: [add("c1", network([[{ subnet: "10.0.0.0/24", rangeStart: "10.0.0.0" }]]))],
    theirs: "10.0.0.0/24",
    ours: "10.0.0.2/24",
    adapt: pullBoundsIn,
  },
  {
    name: "gateways of other ranges are never given",
    why: "Two ranges of one subnet may have different gateways; both are addresses of routers",
    example: [
      add(
        "c1",
        network([[
          { subnet: "10.0.0.0/24", rangeStart: "10.0.0.9", rangeEnd: "10.0.0.10" },
          { subnet: "10.0.0.0/24", rangeStart: "10.0.0.20", gateway: "10.0.0.9" },
        ]]),
      ),
    ],
    theirs: "10.0.0.9/24",
    ours: "10.0.0.10/24",
    adapt: keepGatewaysBack,
  },
  {
    name: "a gateway of the other family is refused",
    why: "No route can go by it; host-local even gives the usual gateway to a pod",
    example: [add("c1", network([[{ subnet: "10.0.0.0/24", gateway: "fd00::1" }]]))],
    theirs: "10.0.0.1/24",
    ours: "gateway fd00::1 not of the family of network 10.0.0.0/24",
  },
  {
    name: "an IPv4 address in the form of IPv6 is IPv6",
    why: "RFC 4291 section 2.5.5.2: ::ffff:10.0.0.9 is an address of its own kind; Go reads IPv4",
    example: [add("c1", SMALL, { runtimeIps: ["::ffff:10.0.0.6"] })],
    theirs: "10.0.0.6/29",
    ours: "failed to allocate all requested IPs",
  },
  {
    name: "a route without a destination is refused",
    why: 'host-local answers the route "<nil>", which no other plugin can read',
    example: [add("c1", { ...SMALL, extra: { routes: [{ gw: "10.0.0.1" }] } })],
    theirs: "10.0.0.2/29",
    ours: '"dst" wanted',
  },
  {
    name: "an empty subnet counts as none",
    why: "Templates leave keys empty; host-local ignores all other empty texts",
    example: [add("c1", { ...SMALL, extra: { subnet: "" } })],
    theirs: "invalid CIDR address",
    ours: "10.0.0.2/29",
  },
  {
    name: "IP of CNI_ARGS may be a list",
    why: "A pod of two families can ask for both of its addresses",
    example: [
      add("c1", network([[{ subnet: "10.0.0.0/24" }], [{ subnet: "fd00::/64" }]]), {
        argsIp: ["10.0.0.9", "fd00::9"],
      }),
    ],
    theirs: "invalid IP address",
    ours: "10.0.0.9/24 fd00::9/64",
    adapt: moveListToRuntimeConfig,
  },
  {
    name: "DEL and CHECK read no ranges",
    why: "What an attachment has is known without them: a broken configuration must not keep a pod",
    example: [
      add("c1", SMALL),
      { verb: "DEL", containerId: "c1", network: SMALL, fault: HOST_BITS },
    ],
    theirs: "Network has host bits set",
    ours: "",
    adapt: mendIpam,
  },
  {
    name: LEAVES_CURSORS,
    why: "It writes nothing; host-local goes on behind the address that it took and gave back",
    example: [add("c1", SMALL, { runtimeIps: ["192.0.2.1"] }), add("c2", SMALL)],
    theirs: "10.0.0.3/29",
    ours: "10.0.0.2/29",
  },
  {
    name: "a second ADD fails whatever it asks for",
    why:
      "One attachment has one lease; host-local adds an address to it when one is requested or " +
      "the ranges are others, and DEL frees both",
    example: [add("c1", SMALL), add("c1", SMALL, { runtimeIps: ["10.0.0.6"] })],
    theirs: "10.0.0.6/29",
    ours: "10.0.0.2 has been allocated to c1, duplicate allocation is not allowed",
    adapt: refuseSecondAdd,
  },
];

/** Names an attachment of a network. */
export function attachmentOf({ containerId, ifname = "eth0" }: Draw): string {
  return `${containerId}/${ifname}`;
}

/** All addresses that a call asks for. */
export function requestsOf({ requests = {} }: Draw): string[] {
  const { argsIp = [], cniArgs = [], runtimeIps = [] } = requests;
  return [...argsIp, ...cniArgs, ...runtimeIps];
}

function pullBoundsIn(call: TheirCall): TheirCall | undefined {
  const { draw } = call;
  if (draw?.verb !== "ADD") return undefined;
  const sets = draw.network.sets.map((set) => set.map(pullRangeIn));
  if (JSON.stringify(sets) === JSON.stringify(draw.network.sets)) return undefined;
  return { ...call, draw: { ...draw, network: { ...draw.network, sets } } };
}

function pullRangeIn(range: DrawnRange): DrawnRange {
  const prefix = parsePrefix(range.subnet);
  const network = formatAddress(prefix.address);
  const last = lastAddress(prefix);
  const isBroadcast = last.family === 4 && range.rangeEnd === formatAddress(last);
  return {
    ...range,
    ...range.rangeStart === network && { rangeStart: formatAddress(addOffset(prefix.address, 1n)) },
    ...isBroadcast && { rangeEnd: formatAddress(addOffset(last, -1n)) },
  };
}

/** A range's own gateway is never given anyway. */
function keepGatewaysBack(call: TheirCall): TheirCall | undefined {
  const ranges = call.draw?.verb === "ADD" ? call.draw.network.sets.flat() : [];
  const gateways = new Set(ranges.map(gatewayOf));
  const isAmbiguous = ranges.some((range) =>
    [...gateways].some((gateway) => gateway !== gatewayOf(range) && isInside(range, gateway))
  );
  return isAmbiguous ? { ...call, keptBack: [...gateways] } : undefined;
}

function gatewayOf({ subnet, gateway }: DrawnRange): string {
  return gateway ?? formatAddress(addOffset(parsePrefix(subnet).address, 1n));
}

function isInside({ subnet, rangeStart, rangeEnd }: DrawnRange, address: string): boolean {
  const prefix = parsePrefix(subnet);
  const start = rangeStart ? parseAddress(rangeStart) : prefix.address;
  const end = rangeEnd ? parseAddress(rangeEnd) : lastAddress(prefix);
  return isBetween(parseAddress(address), start, end);
}

function moveListToRuntimeConfig(call: TheirCall): TheirCall | undefined {
  const { argsIp = [], runtimeIps = [], ...rest } = call.draw?.requests ?? {};
  if (!call.draw || argsIp.length < 2) return undefined;
  const requests = { ...rest, runtimeIps: [...argsIp, ...runtimeIps] };
  return { ...call, draw: { ...call.draw, requests } };
}

/** With ranges that every version can have, for host-local reads them too. */
function mendIpam(call: TheirCall): TheirCall | undefined {
  const { draw } = call;
  if (draw?.verb === "ADD" || draw?.fault?.refusedInDel !== "by host-local") return undefined;
  const { fault: { cniVersion = draw.network.cniVersion }, ...sound } = draw;
  return { ...call, draw: { ...sound, network: { ...SMALL, cniVersion } } };
}

function refuseSecondAdd(call: TheirCall, leases: Leases): TheirCall | undefined {
  if (call.draw?.verb !== "ADD") return undefined;
  const network = leases.get(attachmentOf(call.draw));
  const isUnchanged = network === call.draw.network && requestsOf(call.draw).length === 0;
  return network && !isUnchanged ? { ...call, draw: undefined } : undefined;
}

function add(containerId: string, network: DrawnNetwork, requests?: DrawnRequests): Draw {
  return { verb: "ADD", containerId, network, ...requests && { requests } };
}

function network(sets: DrawnNetwork["sets"]): DrawnNetwork {
  return { cniVersion: "1.0.0", sets, first: "ranges" };
}
