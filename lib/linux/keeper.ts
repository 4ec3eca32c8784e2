import type { Prefix } from "../net/prefix.ts";
import type { Masquerade } from "../nft/masquerade.ts";
import type { MssClamp } from "../nft/mss_clamp.ts";
import { forgetMasqueradedFlows } from "./conntrack.ts";
import { findUnknownToFirewalld } from "./firewalld.ts";
import { planAccept, setForwardAccept } from "./forward_accept.ts";
import { listTable } from "./list_table.ts";
import { setMssClamp } from "./mss_clamp.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink_socket.ts";
import { removeTable } from "./nft.ts";
import { setMasquerade } from "./set_masquerade.ts";

/** What the daemon alone does to the packet filter of the namespace in which it was opened. */
export class LinuxKeeper implements Disposable {
  readonly #socket = NetlinkSocket.open(NETLINK_NETFILTER);

  /**
   * Masquerades what is wanted and nothing else, flows that began before a change too; answers the
   * changes as commands of nft(8).
   */
  async setMasquerade(want: Masquerade, askAgain: () => Promise<Masquerade>): Promise<string[]> {
    const done = await setMasquerade(this.#socket, want, askAgain);
    if (done.length > 0) forgetMasqueradedFlows(this.#socket, want);
    return done;
  }

  /** Lets the packets of pods pass where others drop them; answers the changes likewise. */
  setForwardAccept(podCidrs: readonly Prefix[]): string[] {
    return setForwardAccept(this.#socket, podCidrs);
  }

  /** What {@linkcode setForwardAccept} would change. */
  missingForwardAccept(podCidrs: readonly Prefix[]): string[] {
    return planAccept(this.#socket, podCidrs).map(({ text }) => text);
  }

  /** Lowers the segments of pods to what the tailnet takes; answers the changes likewise. */
  setMssClamp(want: MssClamp): string[] {
    return setMssClamp(this.#socket, want);
  }

  /** The networks that nobody told firewalld of, where it runs: it rejects their packets. */
  findUnknownToFirewalld(networks: readonly Prefix[], bridge: string): Prefix[] {
    return findUnknownToFirewalld(this.#socket, networks, bridge);
  }

  /** Our table in words: rules and sets. */
  listTable(): string[] {
    return listTable(this.#socket);
  }

  /** Removes our table with all that it holds; answers whether it was there. */
  removeTable(): boolean {
    return removeTable(this.#socket);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
