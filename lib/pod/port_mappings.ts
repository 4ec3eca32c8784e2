/** `runtimeConfig.portMappings`: which ports of the node lead to which ports of the pod. */
import * as v from "valibot";
import { ConfigError } from "../errors.ts";
import type { Step } from "../host/step.ts";
import {
  type Address,
  equalAddresses,
  FAMILIES,
  type Family,
  formatAddress,
  tryParseAddress,
} from "../net/address.ts";
import {
  claimOf,
  claimsOverlap,
  formatHostPort,
  type HostPort,
  type PortProtocol,
  PROTOCOL_NUMBERS,
} from "../net/host_port.ts";
import { parsedText, parseWith, withoutEmpty } from "../schema.ts";
import type { PodNetwork } from "./config.ts";
import type { PodIdentity } from "./facts.ts";

/** One mapping as the runtime asks for it. */
export interface PortMapping {
  readonly protocol: PortProtocol;
  /** 1 to 65,535. */
  readonly hostPort: number;
  /** 1 to 65,535. */
  readonly containerPort: number;
  readonly hostIp: HostIp;
}

/** Which addresses of the node have the port. */
interface HostIp {
  readonly families: readonly Family[];
  /** The only one; undefined: each of the families. */
  readonly address: Address | undefined;
}

const ANY_ADDRESS: HostIp = { families: FAMILIES, address: undefined };

const port = v.pipe(
  v.number(),
  v.check((value) => Number.isInteger(value) && value >= 1 && value <= 65_535, "1 to 65535 wanted"),
);

const Mapping = v.object({
  hostPort: port,
  containerPort: port,
  protocol: v.optional(parsedText(tryParseProtocol, "tcp, udp or sctp"), "tcp"),
  hostIP: v.optional(parsedText(tryParseHostIp, "an IP address other than ::1")),
});

/** A container port that is not mapped: containerd leaves it out for its own plugins. */
const Unmapped = v.pipe(v.unknown(), v.transform(() => undefined));

const PortMappings = v.optional(
  v.array(v.lazy((entry) => isUnmapped(entry) ? Unmapped : Mapping)),
  [],
);

/**
 * Reads the mappings of a `runtimeConfig` whose names are folded; none when it has none.
 * @throws ConfigError that lists every fault.
 */
export function parsePortMappings(runtimeConfig: Readonly<Record<string, unknown>>): PortMapping[] {
  const raw = withoutEmpty(runtimeConfig.portMappings);
  const mappings = parseWith(PortMappings, raw, "runtimeConfig.portMappings");
  return mappings.flatMap((mapping) => {
    if (!mapping) return [];
    const { hostIP: hostIp = ANY_ADDRESS, ...rest } = mapping;
    return [{ ...rest, hostIp }];
  });
}

/**
 * The host ports of a pod: of each mapping one per family that the node's address allows and the
 * pod has, to the pod's first address of that family. What another one covers is left out.
 * @throws ConfigError when one host port would lead to two places.
 */
export function planHostPorts(
  mappings: readonly PortMapping[],
  podAddresses: readonly Address[],
): HostPort[] {
  let planned: HostPort[] = [];
  for (const port of mappings.flatMap((mapping) => hostPortsOf(mapping, podAddresses))) {
    const overlapping = planned.filter((other) => claimsOverlap(claimOf(port), claimOf(other)));
    const rival = overlapping.find((other) => !haveSameTarget(port, other));
    if (rival) {
      throw new ConfigError(
        "invalid-config",
        `Cannot map host port "${formatHostPort(port)}": the same pod asks for ` +
          `"${formatHostPort(rival)}"; give each container port a host port of its own`,
      );
    }
    if (overlapping.some(({ hostIp }) => !hostIp || port.hostIp)) continue;
    // Any address: it covers the narrower ones.
    planned = [...planned.filter((other) => !overlapping.includes(other)), port];
  }
  return planned;
}

/** The mappings that lead nowhere: their address of the node is of a family that the pod has not. */
export function findUnmappable(
  mappings: readonly PortMapping[],
  podAddresses: readonly Address[],
): PortMapping[] {
  return mappings.filter((mapping) => hostPortsOf(mapping, podAddresses).length === 0);
}

/**
 * The steps by which 127.0.0.1 of the node leads to the pod, for a pod that has a host port of IPv4.
 * The packet filter must guard the loopback network first: from then on the link lets it pass.
 */
export function planHostPortSteps(
  network: PodNetwork,
  { hostLink }: PodIdentity,
  ports: readonly HostPort[],
): Step[] {
  if (!ports.some(({ target }) => target.family === 4)) return [];
  const link = network.datapath === "bridge" ? network.bridge : hostLink;
  const path = ["net", "ipv4", "conf", link, "route_localnet"]; // ip-sysctl of the kernel
  return [{ kind: "set-sysctl", place: "host", path, value: "1" }];
}

function hostPortsOf(mapping: PortMapping, podAddresses: readonly Address[]): HostPort[] {
  const { protocol, hostPort, containerPort, hostIp } = mapping;
  return FAMILIES.filter((family) => hostIp.families.includes(family)).flatMap((family) => {
    const target = podAddresses.find((address) => address.family === family);
    if (!target) return [];
    return [{ protocol, hostPort, hostIp: hostIp.address, target, targetPort: containerPort }];
  });
}

function haveSameTarget(a: HostPort, b: HostPort): boolean {
  return a.targetPort === b.targetPort && equalAddresses(a.target, b.target);
}

function isUnmapped(entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null) return false;
  return !("hostPort" in entry) || entry.hostPort === 0;
}

/** Runtimes write it in either case. */
function tryParseProtocol(text: string): PortProtocol | undefined {
  const name = text.toLowerCase();
  return Object.keys(PROTOCOL_NUMBERS).find((known): known is PortProtocol => known === name);
}

/**
 * 0.0.0.0 and :: stand for each address of their family. Nothing leads from ::1 to a pod: the
 * kernel takes no answer to it from another link than lo (ip6_rcv_core, net/ipv6/ip6_input.c).
 */
function tryParseHostIp(text: string): HostIp | undefined {
  const address = tryParseAddress(text);
  if (!address || formatAddress(address) === "::1") return undefined;
  return { families: [address.family], address: address.value === 0n ? undefined : address };
}
