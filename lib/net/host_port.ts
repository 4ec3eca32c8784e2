import { type Address, equalAddresses, type Family, formatAddress } from "./address.ts";
import type { Prefix } from "./prefix.ts";

/** A transport protocol whose ports can be mapped. */
export type PortProtocol = keyof typeof PROTOCOL_NUMBERS;

/** `IPPROTO_TCP` and so on, linux/in.h; assigned by IANA, "Protocol Numbers". */
export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;

/** A port of the node that leads to a port of a pod. */
export interface HostPort {
  readonly protocol: PortProtocol;
  /** 1 to 65,535. */
  readonly hostPort: number;
  /** The one address of the node that has the port, of the target's family; undefined: any. */
  readonly hostIp: Address | undefined;
  /** The pod's address. */
  readonly target: Address;
  /** 1 to 65,535. */
  readonly targetPort: number;
}

/** Whose host ports they are. */
export interface HostPortOwner {
  /** Name of the host's end of the pod's link, at most 15 bytes. */
  readonly link: string;
  /** Networks of the pod's addresses: what comes from there to a host port is masqueraded. */
  readonly networks: readonly Prefix[];
}

/** A host port as the kernel has it. */
export interface KernelHostPort {
  readonly port: HostPort;
  /** Name of the host's end of the owner's link; empty when it does not say. */
  readonly link: string;
}

/** What of the node a host port takes, to be told apart from what others take. */
export type HostPortClaim = Pick<HostPort, "protocol" | "hostPort" | "hostIp"> & {
  readonly family: Family;
};

/** The claim of a host port. */
export function claimOf({ protocol, hostPort, hostIp, target }: HostPort): HostPortClaim {
  return { protocol, hostPort, hostIp, family: target.family };
}

/** True when both want packets to the same address, protocol and port: any address is each one. */
export function claimsOverlap(a: HostPortClaim, b: HostPortClaim): boolean {
  return a.family === b.family && a.protocol === b.protocol && a.hostPort === b.hostPort &&
    (!a.hostIp || !b.hostIp || equalAddresses(a.hostIp, b.hostIp));
}

/** True when both lead from the same place to the same place. */
export function equalHostPorts(a: HostPort, b: HostPort): boolean {
  const isSameIp = a.hostIp && b.hostIp
    ? equalAddresses(a.hostIp, b.hostIp)
    : a.hostIp === b.hostIp;
  return isSameIp && a.protocol === b.protocol && a.hostPort === b.hostPort &&
    a.targetPort === b.targetPort && equalAddresses(a.target, b.target);
}

/** Such as `tcp 8080 -> 10.244.1.5:80` or `udp [fd00::1]:53 -> [fd00::5]:5353`. */
export function formatHostPort(port: HostPort): string {
  return `${formatClaim(claimOf(port))} -> ${formatEnd(port.target, port.targetPort)}`;
}

/** Such as `tcp 8080` for any address, or `tcp 192.0.2.1:8080`. */
export function formatClaim({ protocol, hostPort, hostIp }: Omit<HostPortClaim, "family">): string {
  return `${protocol} ${hostIp ? formatEnd(hostIp, hostPort) : hostPort}`;
}

/** The protocol of that number, or undefined. */
export function protocolOfNumber(number: number): PortProtocol | undefined {
  if (number === PROTOCOL_NUMBERS.tcp) return "tcp";
  if (number === PROTOCOL_NUMBERS.udp) return "udp";
  return number === PROTOCOL_NUMBERS.sctp ? "sctp" : undefined;
}

function formatEnd(address: Address, port: number): string {
  const text = formatAddress(address);
  return `${address.family === 6 ? `[${text}]` : text}:${port}`;
}
