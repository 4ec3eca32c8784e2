/** Host ports as the record of an attachment has them. */
import * as v from "valibot";
import { addressBytes } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { storedAddress } from "./record.ts";

/** A host port as it is stored. */
export const storedPort = v.pipe(
  v.object({
    protocol: v.picklist(["tcp", "udp", "sctp"]),
    hostPort: v.number(),
    hostIp: v.exactOptional(storedAddress),
    target: storedAddress,
    targetPort: v.number(),
  }),
  v.transform((stored): HostPort => ({ ...stored, hostIp: stored.hostIp })),
);

/** What {@linkcode storedPort} reads. */
export function toPortRecord(
  { protocol, hostPort, hostIp, target, targetPort }: HostPort,
): Record<string, unknown> {
  return {
    protocol,
    hostPort,
    ...hostIp && { hostIp: addressBytes(hostIp) },
    target: addressBytes(target),
    targetPort,
  };
}
