import type { Masquerade } from "../nft/masquerade.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink_socket.ts";
import { ensureMasquerade, missingMasquerade } from "./nft.ts";

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

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
