import type { Address } from "../net/address.ts";
import type { HostPort, HostPortOwner, KernelHostPort } from "../net/host_port.ts";
import { decodeAddress, listAddresses } from "../netlink/address.ts";
import type { Masquerade } from "../nft/masquerade.ts";
import { forgetLedFlows, forgetStaleFlows } from "./conntrack.ts";
import {
  ensureHostPorts,
  findHostPorts,
  listHostPorts,
  missingHostPorts,
  removeHostPorts,
  removeHostPortsInBackground,
} from "./host_ports.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink_socket.ts";
import { ensureMasquerade, missingMasquerade } from "./nft.ts";
import { RouteSocket } from "./route_socket.ts";

/** Our part of the packet filter of the namespace in which it was opened. */
export class LinuxFirewall implements Disposable {
  readonly #socket = NetlinkSocket.open(NETLINK_NETFILTER);

  /** Adds what is missing; writes nothing when all is there. */
  ensureMasquerade(want: Masquerade): void {
    ensureMasquerade(this.#socket, want);
  }

  /** What is missing, as commands of nft(8). */
  missingMasquerade(want: Masquerade): string[] {
    return missingMasquerade(this.#socket, want);
  }

  /** Leads the ports to the pod, flows that went elsewhere too. */
  ensureHostPorts(ports: readonly HostPort[], owner: HostPortOwner): void {
    ensureHostPorts(this.#socket, ports, owner);
    forgetStaleFlows(this.#socket, ports, listLocalAddresses);
  }

  /** What is missing, as commands of nft(8). */
  missingHostPorts(ports: readonly HostPort[], owner: HostPortOwner): string[] {
    return missingHostPorts(this.#socket, ports, owner);
  }

  /** Removes those of the ports that are the owner's, and their flows. */
  removeHostPorts(ports: readonly HostPort[], link: string): void {
    removeHostPorts(this.#socket, ports, link);
    forgetLedFlows(this.#socket, ports);
  }

  /** {@linkcode removeHostPorts} on another thread; nothing else may be asked until it is over. */
  async removeHostPortsInBackground(ports: readonly HostPort[], link: string): Promise<void> {
    await removeHostPortsInBackground(this.#socket, ports, link);
    forgetLedFlows(this.#socket, ports);
  }

  /** What the kernel has in the place of the ports. */
  findHostPorts(ports: readonly HostPort[]): KernelHostPort[] {
    return findHostPorts(this.#socket, ports);
  }

  /** All host ports of the node. */
  listHostPorts(): KernelHostPort[] {
    return listHostPorts(this.#socket);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** The addresses of the namespace in which we are. */
function listLocalAddresses(): Address[] {
  using routes = RouteSocket.open();
  return routes.answer(listAddresses(), "list addresses")
    .flatMap((message) => decodeAddress(message)?.address.address ?? []);
}
