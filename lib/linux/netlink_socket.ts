import { concat } from "@std/bytes";
import { KernelError } from "../errors.ts";
import {
  type Acknowledgement,
  encodeMessage,
  type Message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  parseAcknowledgement,
  parseMessages,
  type Request,
} from "../wire/message.ts";
import { cannot, type Doing } from "./doing.ts";
import { EAGAIN, EBUSY, EINTR, EMSGSIZE, errnoText, ETIMEDOUT } from "./errno.ts";
import { checkResult, lastErrno, libc } from "./libc.ts";

/** Netlink families: linux/netlink.h. */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** Address family and socket types: linux/socket.h, linux/net.h. */
export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
/** recv(2) flag: linux/socket.h. */
const MSG_TRUNC = 0x20;
/** Socket options: asm-generic/socket.h; netlink ones: linux/netlink.h. */
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
export const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** The kernel answers at once; this only keeps a fault of ours from hanging the caller. */
const RECEIVE_TIMEOUT_SECONDS = 10n;
/** The kernel fills a datagram of a dump up to 32 KiB: `netlink_dump`, net/netlink/af_netlink.c. */
const RECEIVE_BUFFER_BYTES = 64 * 1024;
/** Much less than the buffers of a new socket, 208 KiB: `SK_WMEM_MAX`, include/net/sock.h. */
const SMALL_BATCH_BYTES = 64 * 1024;
/** More than the kernel takes for a refusal: `struct sk_buff`, the message and its words. */
const REFUSAL_BYTES = 1024;
/** How often a dump is asked for again when changes disturb it. */
const MAX_DUMP_ATTEMPTS = 10;

/** Every protocol acknowledges it and does nothing: `netlink_rcv_skb`, net/netlink/af_netlink.c. */
const EMPTY_REQUEST: Request = {
  type: NLMSG_NOOP,
  flags: NLM_F_REQUEST | NLM_F_ACK,
  body: new Uint8Array(),
};

/**
 * A netlink socket of the network namespace in which it was opened, wherever the thread goes later.
 * One request is under way at a time, and every call waits for the kernel's answer.
 */
export class NetlinkSocket implements Disposable {
  #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_BUFFER_BYTES);
  #sequence = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Opens a socket in the current namespace.
   * @param protocol such as {@linkcode NETLINK_ROUTE}.
   * @throws KernelError.
   */
  static open(protocol: number): NetlinkSocket {
    const doing = `open a netlink socket for protocol ${protocol}`;
    const fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    const socket = new NetlinkSocket(checkResult(fd, "socket", doing));
    try {
      const timeout = BigInt64Array.of(RECEIVE_TIMEOUT_SECONDS, 0n); // struct timeval
      checkResult(socket.#setOption(SOL_SOCKET, SO_RCVTIMEO, timeout), "setsockopt", doing);
      for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
        checkResult(socket.#enable(option), "setsockopt", doing);
      }
      socket.#enable(NETLINK_GET_STRICT_CHK); // filters dumps in the kernel; absent before 4.20
      return socket;
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Sends one request, a dump or one with `NLM_F_ACK`, and collects its answer: nothing for a
   * change, one message for a query, many for a dump. A dump that a change disturbed is repeated.
   * @param call names the request in errors, such as `RTM_NEWLINK`.
   * @param doing completes "Cannot ..." in errors, such as `add link "veth0"`.
   * @param harmless errnos that mean that there is nothing: an error that is made only to be caught
   * costs a fresh process a millisecond.
   * @throws KernelError with the kernel's errno and words for any other errno.
   */
  request(
    request: Request,
    call: string,
    doing: Doing,
    harmless: readonly number[] = [],
  ): Message[] {
    const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
    for (let attempt = 1;; attempt++) {
      const sequence = ++this.#sequence;
      this.#send(encodeMessage(request, sequence), doing);
      const answer = this.#collect(sequence, doing);
      if (isDump && isDisturbed(answer) && attempt < MAX_DUMP_ATTEMPTS) continue;
      return checkAnswer(answer, call, doing, harmless);
    }
  }

  /**
   * Sends several requests as one datagram, which is how nf_tables takes a transaction, and
   * collects what the kernel says to each. An empty message behind it is acknowledged last, so
   * that its answer ends them: errno, by which recv(2) would tell that no more is there, does not
   * outlive what the runtime may do before we read it.
   * @returns one acknowledgement per request, in order; those that were neither acknowledged nor
   * refused have errno 0.
   * @throws KernelError when the datagram cannot be sent.
   */
  requestBatch(requests: readonly Request[], doing: Doing): Acknowledgement[] {
    const first = this.#sequence + 1;
    const datagram = this.#encodeBatch(requests);
    this.#makeRoom(datagram.length, requests.length);
    this.#send(datagram, doing);
    return this.#collectBatch(requests.length, first, doing);
  }

  /**
   * {@linkcode requestBatch} with its sending on another thread. The socket must not be used until
   * it is over.
   * @throws KernelError as {@linkcode requestBatch}; of a failed send the errno is unknown, 0.
   */
  async requestBatchInBackground(
    requests: readonly Request[],
    doing: Doing,
  ): Promise<Acknowledgement[]> {
    const first = this.#sequence + 1;
    const datagram = this.#encodeBatch(requests);
    this.#makeRoom(datagram.length, requests.length);
    await this.#sendInBackground(datagram, doing);
    return this.#collectBatch(requests.length, first, doing);
  }

  /**
   * Sends a change on another thread, for one that the kernel takes long to carry out, and reads
   * its acknowledgement. The socket must not be used until then.
   * @throws KernelError as {@linkcode request}; of a failed send the errno is unknown, 0.
   */
  async requestInBackground(
    request: Request,
    call: string,
    doing: Doing,
    harmless: readonly number[] = [],
  ): Promise<void> {
    const sequence = ++this.#sequence;
    await this.#sendInBackground(encodeMessage(request, sequence), doing);
    checkAnswer(this.#collect(sequence, doing), call, doing, harmless);
  }

  /** Closes the socket; once is enough, twice is no fault. */
  [Symbol.dispose](): void {
    if (this.#fd >= 0) libc().close(this.#fd);
    this.#fd = -1;
  }

  /**
   * For a large batch: it must fit as a whole, and the kernel may refuse each of its requests before
   * we read the first word of that. Should the kernel not grant the room, it refuses to send.
   */
  #makeRoom(bytes: number, requests: number): void {
    if (bytes <= SMALL_BATCH_BYTES) return;
    this.#setOption(SOL_SOCKET, SO_SNDBUFFORCE, Int32Array.of(bytes));
    this.#setOption(SOL_SOCKET, SO_RCVBUFFORCE, Int32Array.of(requests * REFUSAL_BYTES));
  }

  #send(datagram: Uint8Array<ArrayBuffer>, doing: Doing): void {
    for (;;) {
      const sent = Number(libc().send(this.#fd, datagram, BigInt(datagram.length), 0));
      if (sent < 0 && lastErrno() === EINTR) continue;
      checkResult(sent, "send", doing);
      return;
    }
  }

  async #sendInBackground(datagram: Uint8Array<ArrayBuffer>, doing: Doing): Promise<void> {
    const length = BigInt(datagram.length);
    if (await libc().sendInBackground(this.#fd, datagram, length, 0) < 0) {
      throw new KernelError("send", 0, `${cannot(doing)}: send: failed on another thread`);
    }
  }

  #encodeBatch(requests: readonly Request[]): Uint8Array<ArrayBuffer> {
    return concat(requests.map((request) => encodeMessage(request, ++this.#sequence)));
  }

  /** What the kernel says to each of so many requests, of which that number is the first. */
  #collectBatch(count: number, first: number, doing: Doing): Acknowledgement[] {
    const last = ++this.#sequence;
    this.#send(encodeMessage(EMPTY_REQUEST, last), doing);
    const acknowledgements = Array.from({ length: count }, (): Acknowledgement => ({ errno: 0 }));
    for (;;) {
      for (const message of this.#receive(doing)) {
        if (message.sequence === last) return acknowledgements;
        const position = message.sequence - first;
        if (message.type !== NLMSG_ERROR || position < 0) continue;
        acknowledgements[position] = parseAcknowledgement(message);
      }
    }
  }

  /** Reads until the request of that number is answered. */
  #collect(sequence: number, doing: Doing): Answer {
    const messages: Message[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive(doing)) {
        if (message.sequence !== sequence) continue; // late answer to a request that timed out
        interrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          return { messages, interrupted, acknowledgement: parseAcknowledgement(message) };
        }
        messages.push(message);
      }
    }
  }

  /** One datagram. */
  #receive(doing: Doing): Message[] {
    const capacity = BigInt(this.#buffer.length);
    for (;;) {
      const received = Number(libc().recv(this.#fd, this.#buffer, capacity, MSG_TRUNC));
      if (received < 0) {
        const errno = lastErrno();
        if (errno === EINTR) continue;
        if (errno === EAGAIN) {
          const words = `no answer within ${RECEIVE_TIMEOUT_SECONDS} s`;
          throw new KernelError("recv", ETIMEDOUT, `${cannot(doing)}: recv: ${words}`);
        }
        throw new KernelError("recv", errno, `${cannot(doing)}: recv: ${errnoText(errno)}`);
      }
      if (received > this.#buffer.length) {
        const words = `${received} bytes do not fit in ${this.#buffer.length}`;
        throw new KernelError("recv", EMSGSIZE, `${cannot(doing)}: recv: ${words}`);
      }
      return parseMessages(this.#buffer.slice(0, received));
    }
  }

  #enable(option: number): number {
    return this.#setOption(SOL_NETLINK, option, Int32Array.of(1));
  }

  #setOption(level: number, option: number, value: ArrayBufferView<ArrayBuffer>): number {
    return libc().setsockopt(this.#fd, level, option, value, value.byteLength);
  }
}

/** All that the kernel said to one request. */
interface Answer {
  readonly messages: Message[];
  /** A change went on during the dump: something may be missing. */
  readonly interrupted: boolean;
  readonly acknowledgement: Acknowledgement;
}

/** True when asking again may go better. */
function isDisturbed({ interrupted, acknowledgement: { errno } }: Answer): boolean {
  return interrupted || errno === EBUSY || errno === EAGAIN || errno === EINTR;
}

/** The messages of a good answer. */
function checkAnswer(
  answer: Answer,
  call: string,
  doing: Doing,
  harmless: readonly number[],
): Message[] {
  const { errno, text } = answer.acknowledgement;
  if (harmless.includes(errno)) return [];
  if (errno !== 0) {
    const words = text ? `${errnoText(errno)}: ${text}` : errnoText(errno);
    throw new KernelError(call, errno, `${cannot(doing)}: ${call}: ${words}`);
  }
  if (answer.interrupted) {
    throw new KernelError(call, EAGAIN, `${cannot(doing)}: ${call}: changes disturb every attempt`);
  }
  return answer.messages;
}
