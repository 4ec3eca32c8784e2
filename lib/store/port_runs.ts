/** Host ports as they are stored: consecutive ones together, for runtimes send ranges port by port. */
import * as v from "valibot";
import { type Address, addressBytes } from "../net/address.ts";
import type { HostPort, PortProtocol } from "../net/host_port.ts";
import { storedAddress } from "./record.ts";

/** Host ports of one protocol and host address that lead to one address. */
export interface StoredGroup {
  readonly protocol: PortProtocol;
  readonly hostIp?: Uint8Array;
  readonly target: Uint8Array;
  /** Runs of 6 bytes: first host port, port of the pod that it leads to, how many; in network order. */
  readonly runs: Uint8Array;
}

/** Ports that follow each other at both ends. */
interface Run {
  readonly hostPort: number;
  readonly targetPort: number;
  readonly count: number;
}

const RUN_BYTES = 6;
const MAX_PORT = 65_535;

const storedRuns = v.pipe(
  v.instance(Uint8Array),
  v.check(({ length }) => length % RUN_BYTES === 0, `runs of ${RUN_BYTES} bytes wanted`),
  v.transform((bytes): readonly Run[] => decodeRuns(bytes)),
  v.check((runs) => runs.every(isInRange), "ports of 1 to 65535 wanted"),
);

/** Host ports as they are stored. */
export const storedHostPorts = v.pipe(
  v.array(v.object({
    protocol: v.picklist(["tcp", "udp", "sctp"]),
    hostIp: v.exactOptional(storedAddress),
    target: storedAddress,
    runs: storedRuns,
  })),
  v.transform((groups) =>
    groups.flatMap(({ hostIp, runs, ...rest }) =>
      runs.flatMap(portsOf).map((ports): HostPort => ({ ...rest, ...ports, hostIp }))
    )
  ),
);

/**
 * The value for {@linkcode storedHostPorts}, which gives them back in this order but for one thing:
 * ports of one protocol, of one host address and to one address come together.
 */
export function toStoredHostPorts(ports: readonly HostPort[]): StoredGroup[] {
  const groups = Map.groupBy(
    ports,
    ({ protocol, hostIp, target }) => [protocol, ...[hostIp, target].map(addressText)].join(" "),
  );
  return Array.from(groups.values()).flatMap(([first, ...others]) => {
    if (!first) return [];
    const { protocol, hostIp, target } = first;
    return [{
      protocol,
      ...hostIp && { hostIp: addressBytes(hostIp) },
      target: addressBytes(target),
      runs: encodeRuns(joinPorts([first, ...others])),
    }];
  });
}

function addressText(address: Address | undefined): string {
  return address ? addressBytes(address).toHex() : "";
}

function joinPorts(ports: readonly HostPort[]): Run[] {
  const runs: Run[] = [];
  for (const { hostPort, targetPort } of ports) {
    const last = runs.at(-1);
    const isNext = last && hostPort === last.hostPort + last.count &&
      targetPort === last.targetPort + last.count;
    if (isNext) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ hostPort, targetPort, count: 1 });
  }
  return runs;
}

function portsOf(
  { hostPort, targetPort, count }: Run,
): Pick<HostPort, "hostPort" | "targetPort">[] {
  return Array.from(
    { length: count },
    (_, i) => ({ hostPort: hostPort + i, targetPort: targetPort + i }),
  );
}

function encodeRuns(runs: readonly Run[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(runs.length * RUN_BYTES));
  for (const [i, { hostPort, targetPort, count }] of runs.entries()) {
    [hostPort, targetPort, count].forEach((number, j) =>
      view.setUint16(i * RUN_BYTES + j * Uint16Array.BYTES_PER_ELEMENT, number)
    );
  }
  return new Uint8Array(view.buffer);
}

function decodeRuns(bytes: Uint8Array): Run[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / RUN_BYTES }, (_, i) => {
    const at = i * RUN_BYTES;
    return {
      hostPort: view.getUint16(at),
      targetPort: view.getUint16(at + 2),
      count: view.getUint16(at + 4),
    };
  });
}

function isInRange({ hostPort, targetPort, count }: Run): boolean {
  return Math.min(hostPort, targetPort, count) >= 1 &&
    Math.max(hostPort, targetPort) + count - 1 <= MAX_PORT;
}
