import type { Prefix } from "../net/prefix.ts";
import { parseChains, queryChains } from "../nft/foreign_chain.ts";
import type { Masquerade } from "../nft/masquerade.ts";
import type { MssClamp } from "../nft/mss_clamp.ts";
import { findUnknownToFirewalld } from "./firewalld.ts";
import { planAccept } from "./forward_accept.ts";
import { planClamp } from "./mss_clamp.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink_socket.ts";
import { ask } from "./nft.ts";
import { planExactly } from "./set_masquerade.ts";

/**
 * What `LinuxKeeper` would do to the packet filter of the namespace in which this was opened, as commands of
 * nft(8). Nothing is changed. Every method throws KernelError "firewall-failure", to users without
 * CAP_NET_ADMIN in any case.
 */
export class KeeperSight implements Disposable {
  readonly #socket = NetlinkSocket.open(NETLINK_NETFILTER);

  /** What lacks of the masquerade, and what is too much. */
  planMasquerade(want: Masquerade): string[] {
    return planExactly(this.#socket, want).map(({ text }) => text);
  }

  /** What lacks where others drop the packets of pods. */
  planForwardAccept(podCidrs: readonly Prefix[]): string[] {
    return planAccept(this.#socket, podCidrs).map(({ text }) => text);
  }

  /** What lacks of the sizes of segments. */
  planMssClamp(want: MssClamp): string[] {
    return planClamp(this.#socket, want).map(({ text }) => text);
  }

  /** The networks that nobody told firewalld of. */
  findUnknownToFirewalld(networks: readonly Prefix[], bridge: string): Prefix[] {
    return findUnknownToFirewalld(this.#socket, networks, bridge);
  }

  /** Names of the chains of others, each once. */
  listForeignChains(): string[] {
    const chains = parseChains(ask(this.#socket, queryChains()));
    return [...new Set(chains.map(({ name }) => name))];
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
