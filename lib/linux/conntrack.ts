/**
 * UDP flows that the kernel remembers. It looks at the rules for the first packet of a flow only, so a
 * flow that never pauses would go where it went before a host port came, or after it has gone, and
 * under the node's address to whom we only then know as a pod of another node.
 */
import { type Entry, isHidden, isLed, isStale, parseEntry } from "../conntrack/entry.ts";
import {
  type ConntrackRequest,
  deleteFlow,
  listFlowsLedTo,
  listFlowsTo,
  listUdpFlows,
} from "../conntrack/request.ts";
import { KernelError } from "../errors.ts";
import { log } from "../log.ts";
import { type Address, equalAddresses } from "../net/address.ts";
import { formatHostPort, type HostPort } from "../net/host_port.ts";
import { containsAddress, type Prefix } from "../net/prefix.ts";
import { type Masquerade, sourceFamilies } from "../nft/masquerade.ts";
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

/**
 * Makes the kernel forget UDP flows that are masqueraded although they are not to be, as those that
 * began before their destination was exempt; a kernel that cannot be asked costs a warning. Connections
 * of TCP keep the address that they began with: they would break.
 */
export function forgetMasqueradedFlows(socket: ConntrackSocket, want: Masquerade): void {
  const destinations = [...want.sources, ...want.exempt];
  attempt(() => {
    for (const family of sourceFamilies(want)) {
      forgetFlowsOf(
        socket,
        "forget flows to pods elsewhere",
        listUdpFlows(family),
        (entry) => isHidden(entry, want.sources, destinations),
      );
    }
  });
}

function forgetFlows(
  socket: ConntrackSocket,
  ports: readonly HostPort[],
  list: (port: HostPort) => ConntrackRequest,
  isUnwanted: (entry: Entry, port: HostPort) => boolean,
): void {
  attempt(() => {
    for (const port of ports.filter(({ protocol }) => protocol === "udp")) {
      const doing = `forget flows of "${formatHostPort(port)}"`;
      forgetFlowsOf(socket, doing, list(port), (entry) => isUnwanted(entry, port));
    }
  });
}

/** All is as it must be without it too, for all but flows that never pause. */
function attempt(forget: () => void): void {
  try {
    forget();
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
  doing: string,
  question: ConntrackRequest,
  isUnwanted: (entry: Entry) => boolean,
): void {
  for (const message of socket.request(question, question.call, doing)) {
    const entry = parseEntry(message);
    if (!entry || !isUnwanted(entry)) continue;
    const removal = deleteFlow(entry.name);
    socket.request(removal, removal.call, doing, [ENOENT]);
  }
}
