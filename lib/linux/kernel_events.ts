/**
 * What the kernel tells of its own accord: that links, addresses, routes, rules or nf_tables have
 * changed. One thread waits in poll(2) for all of it; the event loop stays free. Leaves out what has
 * changed: whoever is woken looks for himself.
 */
import { parseMessages } from "../wire/message.ts";
import { checkResult, libc } from "./libc.ts";
import {
  AF_NETLINK,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
} from "./netlink_socket.ts";

/** What has changed. */
export type KernelEventKind = "link" | "address" | "route" | "rule" | "nftables";

/** Changes of the namespace in which it was opened; dispose of it to end a wait. */
export interface KernelEvents extends Disposable, AsyncIterable<ReadonlySet<KernelEventKind>> {
  /**
   * Waits until something has changed since the call before, if nothing has yet. One call at a time.
   * @returns all kinds of changes since then, which may be our own; all kinds there are when the
   * kernel had too many of them to tell; undefined when this was disposed of.
   */
  next(): Promise<ReadonlySet<KernelEventKind> | undefined>;
}

/** Multicast groups: `enum rtnetlink_groups`, linux/rtnetlink.h; linux/netfilter/nfnetlink.h. */
const ROUTE_GROUPS: Readonly<Record<string, number>> = {
  RTNLGRP_LINK: 1,
  RTNLGRP_IPV4_IFADDR: 5,
  RTNLGRP_IPV4_ROUTE: 7,
  RTNLGRP_IPV4_RULE: 8,
  RTNLGRP_IPV6_IFADDR: 9,
  RTNLGRP_IPV6_ROUTE: 11,
  RTNLGRP_IPV6_RULE: 19,
};
const NETFILTER_GROUPS: Readonly<Record<string, number>> = { NFNLGRP_NFTABLES: 7 };

/** Four messages each, beginning with the new one: linux/rtnetlink.h. */
const KINDS: Readonly<Record<number, KernelEventKind>> = {
  16: "link",
  20: "address",
  24: "route",
  32: "rule",
};
const ALL_KINDS: readonly KernelEventKind[] = ["link", "address", "route", "rule", "nftables"];

/** linux/netlink.h, sys/eventfd.h, poll.h, sys/socket.h. */
const NETLINK_ADD_MEMBERSHIP = 1;
const EFD_CLOEXEC = 0o2000000;
const POLLIN = 1;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

/** `struct sockaddr_nl`, linux/netlink.h: u16 family, u16 padding, u32 port id, u32 groups. */
const SOCKADDR_BYTES = 12;
/** `struct pollfd`: int fd, short events, short revents. */
const POLLFD_BYTES = 8;
/** Only the headers count; what does not fit is of the same kind as what does. */
const BUFFER_BYTES = 64 * 1024;
const FOREVER = -1;

/**
 * Begins to listen in the current namespace.
 * @throws KernelError.
 */
export function openKernelEvents(): KernelEvents {
  return new OpenKernelEvents();
}

class OpenKernelEvents implements KernelEvents {
  /** Wakes the waiting thread; then rtnetlink, then nfnetlink. */
  readonly #fds: number[] = [];
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #isClosed = false;
  #isWaiting = false;

  constructor() {
    try {
      const fd = libc().eventfd(0, EFD_CLOEXEC);
      this.#fds.push(checkResult(fd, "eventfd", "listen to the kernel"));
      this.#join(NETLINK_ROUTE, ROUTE_GROUPS);
      this.#join(NETLINK_NETFILTER, NETFILTER_GROUPS);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  async next(): Promise<ReadonlySet<KernelEventKind> | undefined> {
    const pollFds = this.#pollFds();
    // No thread where something has changed already; a wait that a signal ends is begun anew.
    while (!this.#isClosed && libc().poll(pollFds, BigInt(this.#fds.length), 0) <= 0) {
      this.#isWaiting = true;
      await libc().pollInBackground(pollFds, BigInt(this.#fds.length), FOREVER);
      this.#isWaiting = false;
    }
    if (!this.#isClosed) return this.#drain();
    this.#close();
    return undefined;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<ReadonlySet<KernelEventKind>> {
    for (;;) {
      const kinds = await this.next();
      if (!kinds) return;
      yield kinds;
    }
  }

  /** The thread has the descriptors: they are closed when it is back. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const [wake] = this.#fds;
    if (this.#isWaiting && wake !== undefined) {
      libc().write(wake, BigUint64Array.of(1n), BigInt(BigUint64Array.BYTES_PER_ELEMENT));
    } else this.#close();
  }

  #join(protocol: number, groups: Readonly<Record<string, number>>): void {
    const fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    this.#fds.push(checkResult(fd, "socket", "listen to the kernel"));
    // Without an address of its own a socket is told nothing: it passes for the kernel's.
    const address = Uint16Array.of(AF_NETLINK, ...Array(SOCKADDR_BYTES / 2 - 1).fill(0));
    checkResult(libc().bind(fd, address, SOCKADDR_BYTES), "bind", "listen to the kernel");
    for (const [name, group] of Object.entries(groups)) {
      const value = Int32Array.of(group);
      const result = libc().setsockopt(
        fd,
        SOL_NETLINK,
        NETLINK_ADD_MEMBERSHIP,
        value,
        value.byteLength,
      );
      checkResult(result, "setsockopt", `listen to the kernel's "${name}"`);
    }
  }

  /** Reads all that there is. */
  #drain(): Set<KernelEventKind> {
    const kinds = new Set<KernelEventKind>();
    const [, routeFd, netfilterFd] = this.#fds;
    for (const fd of [routeFd, netfilterFd]) {
      while (fd !== undefined && this.#isReadable(fd)) {
        for (const kind of this.#receive(fd, fd === netfilterFd)) kinds.add(kind);
      }
    }
    return kinds;
  }

  /**
   * The kinds in one datagram. A failure, for there was something to read, is that the kernel had to
   * leave something out (ENOBUFS): its errno need not be known for that.
   */
  #receive(fd: number, isNetfilter: boolean): readonly KernelEventKind[] {
    const capacity = BigInt(this.#buffer.length);
    const received = Number(libc().recv(fd, this.#buffer, capacity, MSG_DONTWAIT | MSG_TRUNC));
    if (received < 0) return ALL_KINDS;
    if (isNetfilter) return ["nftables"];
    if (received > this.#buffer.length) return ALL_KINDS;
    return parseMessages(this.#buffer.slice(0, received)).flatMap(({ type }) =>
      KINDS[type - type % 4] ?? []
    );
  }

  #isReadable(fd: number): boolean {
    const pollFd = new Int16Array(POLLFD_BYTES / Int16Array.BYTES_PER_ELEMENT);
    writePollFd(new DataView(pollFd.buffer), 0, fd);
    return libc().poll(pollFd, 1n, 0) > 0;
  }

  #pollFds(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#fds.length * POLLFD_BYTES);
    const view = new DataView(bytes.buffer);
    this.#fds.forEach((fd, i) => writePollFd(view, i * POLLFD_BYTES, fd));
    return bytes;
  }

  #close(): void {
    for (const fd of this.#fds.splice(0)) libc().close(fd);
  }
}

function writePollFd(view: DataView, at: number, fd: number): void {
  view.setInt32(at, fd, true);
  view.setInt16(at + 4, POLLIN, true);
}
