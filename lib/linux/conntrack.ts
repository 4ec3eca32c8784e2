/**
 * UDP flows that the kernel remembers. It looks at the rules for the first packet of a flow only,
 * so a flow that never pauses would go where it went before a host port came, or after it has gone.
 */
import { type Entry, isLed, isStale, parseEntry } from "../conntrack/entry.ts";
import {
  type ConntrackRequest,
  deleteFlow,
  listFlowsLedTo,
  listFlowsTo,
} from "../conntrack/request.ts";
import { KernelError } from "../errors.ts";
import { log } from "../log.ts";
import { type Address, equalAddresses } from "../net/address.ts";
import { formatHostPort, type HostPort } from "../net/host_port.ts";
import { containsAddress, type Prefix } from "../net/prefix.ts";
import { ENOENT } from "./errno.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";

/** A socket of protocol `NETLINK_NETFILTER`. */
type ConntrackSocket = Pick<NetlinkSocket, "request">;

/** Each address in it is the node's, whatever its links have: RFC 1122 section 3.2.1.3. */
const LOOPBACK: Prefix = { address: { family: 4, value: 0x7f00_0000n }, length: 8 };

/**
 * Makes the kernel forget UDP flows to the ports that go elsewhere than these lead; a kernel that
 * cannot be asked costs a warning. Nothing is asked when none is of UDP.
 * @param listLocal the node's addresses; asked for once at most, and only where a port is of any.
 */
export function forgetStaleFlows(
  socket: ConntrackSocket,
  ports: readonly HostPort[],
  listLocal: () => readonly Address[],
): void {
  let local: readonly Address[] | undefined;
  const isLocal = (address: Address) => {
    local ??= listLocal();
    return containsAddress(LOOPBACK, address) || local.some((own) => equalAddresses(own, address));
  };
  forgetFlows(socket, ports, listFlowsTo, (entry, port) => isStale(entry, port, isLocal));
}

/**
 * Makes the kernel forget UDP flows that the ports led to the pod; a kernel that cannot be asked costs
 * a warning. Nothing is asked when none is of UDP.
 */
export function forgetLedFlows(socket: ConntrackSocket, ports: readonly HostPort[]): void {
  forgetFlows(socket, ports, listFlowsLedTo, isLed);
}

/** Ports go to where they must without it too, for all but flows that never pause. */
function forgetFlows(
  socket: ConntrackSocket,
  ports: readonly HostPort[],
  list: (port: HostPort) => ConntrackRequest,
  isUnwanted: (entry: Entry, port: HostPort) => boolean,
): void {
  try {
    for (const port of ports.filter(({ protocol }) => protocol === "udp")) {
      forgetFlowsOf(socket, port, list(port), isUnwanted);
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    // Mostly a kernel without ctnetlink, which would say the same of each of the ports.
    log.warn("Cannot forget UDP flows: those that never pause go where they went before", {
      error,
    });
  }
}

function forgetFlowsOf(
  socket: ConntrackSocket,
  port: HostPort,
  question: ConntrackRequest,
  isUnwanted: (entry: Entry, port: HostPort) => boolean,
): void {
  const doing = () => `forget flows of "${formatHostPort(port)}"`;
  for (const message of socket.request(question, question.call, doing)) {
    const entry = parseEntry(message);
    if (!entry || !isUnwanted(entry, port)) continue;
    const removal = deleteFlow(entry.name);
    socket.request(removal, removal.call, doing, [ENOENT]);
  }
}
