import {
  addressBytes,
  addressFromBytes,
  FAMILIES,
  type Family,
  formatAddress,
} from "../net/address.ts";
import { type HostPort, PROTOCOL_NUMBERS, protocolOfNumber } from "../net/host_port.ts";
import type { Prefix } from "../net/prefix.ts";
import { viewOf } from "../wire/attribute.ts";
import { ADDRESS_TYPES, joinParts, splitParts } from "./data_type.ts";
import { dnatByMap } from "./dnat.ts";
import { prefixSet, PRIORITY_SRCNAT } from "./masquerade.ts";
import {
  drop,
  matchLocalDestination,
  matchLoopbackNet,
  matchNotLoopback6,
  matchOtherLink,
} from "./loopback.ts";
import type { MapElement, NewElement, PacketMap } from "./map.ts";
import { matchMarkBit } from "./mark.ts";
import type { Rule } from "./rule.ts";
import { masquerade, matchAddress, matchFamily, type Statement } from "./statement.ts";
import type { Table } from "./table.ts";

/**
 * The bit of a packet's mark that asks for masquerade: that of the reference plugin portmap, so
 * whoever keeps clear of that one keeps clear of us. Kubernetes has 0x4000 and 0x8000, Tailscale
 * 0xff0000.
 */
const HAIRPIN_MARK = 0x2000;

/** `NF_IP_PRI_NAT_DST` and `NF_IP_PRI_RAW`, linux/netfilter_ipv4.h: nft(8)'s `dstnat` and `raw`. */
const PRIORITY_DSTNAT = -100;
const PRIORITY_RAW = -300;

/** Nobody but the node itself sends from there. */
const LOOPBACK: Prefix = { address: { family: 4, value: 0x7f00_0000n }, length: 8 };

/** Where a host port of one family is kept. */
export interface HostPortMap extends PacketMap {
  readonly family: Family;
  /** Whether its keys name an address of the node, or mean each one. */
  readonly isSpecific: boolean;
}

/** All maps of host ports. */
export const HOST_PORT_MAPS: readonly HostPortMap[] = FAMILIES.flatMap((family) => [
  hostPortMap(family, false),
  hostPortMap(family, true),
]);

/**
 * The part of our table that leads host ports to pods, without the ports, which are elements of the
 * maps: nothing per pod. A family without ports has no part.
 * @param hairpin networks of pods on this node that have host ports. What they send to a host port
 * comes back through the node only if it seems to come from the node; what others send keeps its
 * source.
 */
export function hostPortTable(families: readonly Family[], hairpin: readonly Prefix[]): Table {
  const parts = FAMILIES.filter((family) => families.includes(family));
  if (parts.length === 0) return { sets: [], maps: [], chains: [] };
  const rules = parts.flatMap(dnatRules);
  return {
    sets: parts.map((family) => prefixSet(hairpinSet(family), family, [LOOPBACK, ...hairpin])),
    maps: HOST_PORT_MAPS.filter(({ family }) => parts.includes(family)),
    chains: [
      // First of all: once the loopback network is routed, nobody else may use it.
      ...parts.includes(4) ? [{ ...GUARD, rules: guardRules() }] : [],
      {
        name: "postrouting",
        type: "nat",
        hook: "postrouting",
        priority: PRIORITY_SRCNAT,
        rules: [HAIRPIN_RULE],
      },
      { name: "prerouting", type: "nat", hook: "prerouting", priority: PRIORITY_DSTNAT, rules },
      { name: "output", type: "nat", hook: "output", priority: PRIORITY_DSTNAT, rules },
    ],
  };
}

/** The map that a host port belongs into. */
export function mapOf({ hostIp, target }: HostPort): HostPortMap {
  const map = HOST_PORT_MAPS.find(({ family, isSpecific }) =>
    family === target.family && isSpecific === (hostIp !== undefined)
  );
  if (!map) throw new RangeError(`Cannot map a port of IPv${target.family}`);
  return map;
}

/**
 * The element that stands for a host port.
 * @param owner is kept with it, as its comment.
 */
export function elementOf(port: HostPort, owner: string): NewElement {
  const { protocol, hostPort, hostIp, target, targetPort } = port;
  const service = [Uint8Array.of(PROTOCOL_NUMBERS[protocol]), portBytes(hostPort)];
  const address = hostIp ? `${formatAddress(hostIp)} . ` : "";
  return {
    key: joinParts(hostIp ? [addressBytes(hostIp), ...service] : service),
    value: joinParts([addressBytes(target), portBytes(targetPort)]),
    comment: owner,
    text: {
      key: `${address}${protocol} . ${hostPort}`,
      value: `${formatAddress(target)} . ${targetPort}`,
    },
  };
}

/** The host port that an element stands for; undefined for one that we do not write. */
export function hostPortOf(map: HostPortMap, element: MapElement): HostPort | undefined {
  const key = splitParts(map.key, element.key);
  const [target, targetPort] = splitParts(map.value, element.value);
  const [protocolByte, hostPort] = map.isSpecific ? key.slice(1) : key;
  const protocol = protocolOfNumber(protocolByte?.at(0) ?? 0);
  if (!protocol || !target || !targetPort || !hostPort) return undefined;
  const [hostIp] = map.isSpecific ? key : [];
  return {
    protocol,
    hostPort: viewOf(hostPort).getUint16(0),
    hostIp: hostIp && addressFromBytes(hostIp),
    target: addressFromBytes(target),
    targetPort: viewOf(targetPort).getUint16(0),
  };
}

const GUARD = {
  name: "loopback",
  type: "filter",
  hook: "prerouting",
  priority: PRIORITY_RAW,
} as const;

const HAIRPIN_RULE: Rule = {
  comment: "headcni: masquerade who calls a host port from a pod or from loopback",
  statements: [matchMarkBit(HAIRPIN_MARK), masquerade()],
};

/**
 * No two of them match one packet, and no port is in both maps, so their order does not matter. The
 * mark is set only once the map has a destination: a connection that somebody else's rules lead to
 * a pod, such as those of a service, keeps its source.
 */
function dnatRules(family: Family): Rule[] {
  return HOST_PORT_MAPS.filter((map) => map.family === family).flatMap((map) =>
    [true, false].map((isHairpin): Rule => ({
      comment: `headcni: host ports of ${map.isSpecific ? "one address" : "any address"}, ` +
        `IPv${family}${isHairpin ? ", to be masqueraded" : ""}`,
      statements: [
        matchFamily(family),
        ...map.isSpecific ? [] : destinationOf(family),
        matchAddress(family, "saddr", isHairpin ? "==" : "!=", hairpinSet(family)),
        dnatByMap(family, map, isHairpin ? HAIRPIN_MARK : undefined),
      ],
    }))
  );
}

/** Any address of the node, but ::1: the kernel takes no answer to that from another link. */
function destinationOf(family: Family): Statement[] {
  return [matchLocalDestination(), ...family === 6 ? [matchNotLoopback6()] : []];
}

/**
 * Where 127.0.0.1 leads to pods the kernel no longer refuses that network on the links of pods,
 * and a pod could call what listens on the node's 127.0.0.1 alone: CVE-2020-8558.
 */
function guardRules(): Rule[] {
  return (["daddr", "saddr"] as const).map((field) => ({
    comment: `headcni: loopback is the node's own, ${field}`,
    statements: [matchFamily(4), matchOtherLink(), matchLoopbackNet(field), drop()],
  }));
}

function hostPortMap(family: Family, isSpecific: boolean): HostPortMap {
  const address = ADDRESS_TYPES[family];
  return {
    name: `${isSpecific ? "hostipports" : "hostports"}${family}`,
    key: [...isSpecific ? [address] : [], "inet_proto", "inet_service"],
    value: [address, "inet_service"],
    family,
    isSpecific,
  };
}

function hairpinSet(family: Family): string {
  return `hairpin${family}`;
}

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}
