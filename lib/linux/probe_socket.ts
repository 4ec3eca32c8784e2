/**
 * Sockets by which one sees whether an address answers, in the namespace of a pod: that of the thread
 * when they were opened. Ordinary ones of Deno would be opened on another thread, in our own.
 */
import { KernelError } from "../errors.ts";
import { type Address, addressBytes, type Family, formatAddress } from "../net/address.ts";
import { EAGAIN, EINPROGRESS, EINTR, EISCONN, EMSGSIZE, ENETUNREACH, errnoText } from "./errno.ts";
import { checkResult, lastErrno, libc } from "./libc.ts";

/** What a socket is for: ICMP, UDP or TCP. */
export type ProbeKind = "echo" | "datagram" | "stream";

/** linux/socket.h, linux/net.h, linux/in.h, linux/in6.h; the order of {@linkcode ProbeKind}. */
const AF: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const TYPES: Readonly<Record<ProbeKind, number>> = { stream: 1, datagram: 2, echo: 3 };
const PROTOCOLS: Readonly<Record<ProbeKind, Readonly<Record<Family, number>>>> = {
  echo: { 4: 1, 6: 58 },
  datagram: { 4: 17, 6: 17 },
  stream: { 4: 6, 6: 6 },
};

/** `IPPROTO_IP` and `IPPROTO_IPV6` with their options: linux/in.h, linux/in6.h. */
const OPTIONS: Readonly<
  Record<Family, readonly [level: number, discover: number, errors: number]>
> = { 4: [0, 10, 11], 6: [41, 23, 25] };
/** `IP_PMTUDISC_PROBE`: never in pieces, and whatever the kernel remembers of the way. */
const NEVER_FRAGMENT = 3;

/** poll.h; `struct pollfd`: int fd, short events, short revents. */
const POLLIN = 1;
const POLLOUT = 4;
/** Longest packet that IP can carry. */
const BUFFER_BYTES = 65_535;

/** A socket of one family, towards one address. */
export class ProbeSocket implements Disposable {
  #fd: number;
  readonly #target: string;

  private constructor(fd: number, target: string) {
    this.#fd = fd;
    this.#target = target;
  }

  /**
   * Opens a socket in the current namespace, and tells it whom to talk to; that sends nothing but for
   * TCP.
   * @param port none for an echo.
   * @throws KernelError such as ENETUNREACH, where no route leads there.
   */
  static open(kind: ProbeKind, address: Address, port = 0): ProbeSocket {
    const { family } = address;
    const doing = `reach ${formatAddress(address)}`;
    const type = TYPES[kind] | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = checkResult(
      libc().socket(AF[family], type, PROTOCOLS[kind][family]),
      "socket",
      doing,
    );
    const socket = new ProbeSocket(fd, doing);
    try {
      const [level, discover, errors] = OPTIONS[family];
      socket.#setOption(level, discover, NEVER_FRAGMENT);
      socket.#setOption(level, errors, 1);
      const destination = socketAddress(address, port);
      const connected = libc().connect(fd, destination, destination.length);
      if (connected < 0 && lastErrno() !== EINPROGRESS) checkResult(connected, "connect", doing);
      return socket;
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
  }

  /** Sends a packet. @throws KernelError such as EMSGSIZE: it is larger than the link's MTU. */
  send(packet: Uint8Array<ArrayBuffer>): void {
    const sent = libc().send(this.#fd, packet, BigInt(packet.length), 0);
    checkResult(Number(sent), "send", this.#target);
  }

  /**
   * Waits for a packet.
   * @returns undefined when none came in time.
   * @throws KernelError when somebody on the way answered that it leads nowhere.
   */
  async receive(timeoutMs: number): Promise<Uint8Array | undefined> {
    if (!await this.#wait(POLLIN, timeoutMs)) return undefined;
    const buffer = new Uint8Array(BUFFER_BYTES);
    const length = Number(libc().recv(this.#fd, buffer, BigInt(buffer.length), 0));
    const errno = length < 0 ? lastErrno() : 0;
    if (errno === EAGAIN || errno === EINTR) return undefined;
    return buffer.subarray(0, checkResult(length, "recv", this.#target));
  }

  /**
   * Waits until a stream is connected.
   * @returns false when nobody answered in time.
   * @throws KernelError such as ECONNREFUSED.
   */
  async connected(address: Address, port: number, timeoutMs: number): Promise<boolean> {
    if (!await this.#wait(POLLOUT, timeoutMs)) return false;
    // Asked again, it says what came of the first time: connect(2).
    const destination = socketAddress(address, port);
    const again = libc().connect(this.#fd, destination, destination.length);
    const errno = again < 0 ? lastErrno() : 0;
    if (errno === 0 || errno === EISCONN) return true;
    throw new KernelError("connect", errno, `Cannot ${this.#target}: ${errnoText(errno)}`);
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) libc().close(this.#fd);
    this.#fd = -1;
  }

  /** False when nothing happened in time. */
  async #wait(events: number, timeoutMs: number): Promise<boolean> {
    const poll = new Int32Array([this.#fd, events]);
    return await libc().pollInBackground(poll, 1n, Math.max(0, Math.ceil(timeoutMs))) > 0;
  }

  #setOption(level: number, option: number, value: number): void {
    const bytes = Int32Array.of(value);
    const set = libc().setsockopt(this.#fd, level, option, bytes, bytes.byteLength);
    checkResult(set, "setsockopt", this.#target);
  }
}

/** True for an errno that the same packet would meet again. */
export function isLastingErrno(errno: number): boolean {
  return errno === EMSGSIZE || errno === ENETUNREACH;
}

/** `struct sockaddr_in` and `sockaddr_in6`: the family in the machine's order, the rest in the net's. */
function socketAddress(address: Address, port: number): Uint8Array<ArrayBuffer> {
  const isIpv4 = address.family === 4;
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF[address.family], true);
  view.setUint16(2, port);
  bytes.set(addressBytes(address), isIpv4 ? 4 : 8);
  return bytes;
}
