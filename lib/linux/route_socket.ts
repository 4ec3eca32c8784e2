import { KernelError } from "../errors.ts";
import type { Link } from "../net/link.ts";
import { decodeLink, getLink } from "../netlink/link.ts";
import type { RouteRequest } from "../netlink/rtnetlink.ts";
import type { Message } from "../wire/message.ts";
import { cannot, type Doing } from "./doing.ts";
import { ENODEV } from "./errno.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./netlink_socket.ts";

/** rtnetlink of one namespace: requests, answers, and links by name. */
export class RouteSocket implements Disposable {
  readonly #socket: NetlinkSocket;
  /** Indexes of links that were seen; only as long-lived as this socket. */
  readonly #indexes = new Map<string, number>();

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Opens rtnetlink of the current namespace. */
  static open(): RouteSocket {
    return new RouteSocket(NetlinkSocket.open(NETLINK_ROUTE));
  }

  /**
   * Makes a change.
   * @param harmless errnos that mean that nothing had to be done.
   * @throws KernelError for any other errno.
   */
  change(request: RouteRequest, doing: Doing, harmless: readonly number[] = []): void {
    this.answer(request, doing, harmless);
  }

  /** The messages that answer a query; none when it is refused with a harmless errno. */
  answer(request: RouteRequest, doing: Doing, harmless: readonly number[] = []): Message[] {
    return this.#socket.request(request, request.call, doing, harmless);
  }

  /** A change on another thread; nothing else may be asked until it is over. */
  async changeInBackground(
    request: RouteRequest,
    doing: Doing,
    harmless: readonly number[],
  ): Promise<void> {
    await this.#socket.requestInBackground(request, request.call, doing, harmless);
  }

  /** The link of that name or index, or undefined. */
  findLink(key: string | number): Link | undefined {
    const [message] = this.answer(getLink(key), `find link "${key}"`, [ENODEV]);
    if (!message) {
      // Somebody else removed it: the next link of that name has another index.
      if (typeof key === "string") this.#indexes.delete(key);
      return undefined;
    }
    const link = decodeLink(message);
    this.#indexes.set(link.name, link.index);
    return link;
  }

  /** The index of the link of that name, or undefined. */
  findLinkIndex(name: string): number | undefined {
    return this.#indexes.get(name) ?? this.findLink(name)?.index;
  }

  /**
   * The index of the link of that name.
   * @throws KernelError ENODEV.
   */
  linkIndex(name: string, doing: Doing): number {
    const index = this.findLinkIndex(name);
    if (index !== undefined) return index;
    throw new KernelError("RTM_GETLINK", ENODEV, `${cannot(doing)}: there is no link "${name}"`);
  }

  /** Forgets indexes, after a link was removed. */
  forgetLinks(): void {
    this.#indexes.clear();
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
