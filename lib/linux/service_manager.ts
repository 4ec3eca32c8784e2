/** What systemd is told of a service: datagrams to the socket of `NOTIFY_SOCKET`, sd_notify(3). */
import { checkResult, libc } from "./libc.ts";

/** Address family and socket type: linux/socket.h, linux/net.h. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** Bytes of `sun_path`, linux/un.h. */
const PATH_BYTES = 108;

/**
 * Sends a state, such as `READY=1` or `STATUS=...`, several by line feeds.
 * @param socket value of `NOTIFY_SOCKET`: a path, or with `@` a name of the abstract namespace.
 * @throws KernelError when nobody listens there; RangeError when the path is too long.
 */
export function notifyServiceManager(socket: string, state: string): void {
  const doing = `tell the service manager at "${socket}"`;
  const path = new TextEncoder().encode(socket.replace(/^@/, "\0"));
  if (path.length >= PATH_BYTES) throw new RangeError(`Cannot ${doing}: its path is too long`);
  const address = new Uint8Array(2 + path.length); // struct sockaddr_un, without a closing NUL
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(path, 2);
  const fd = checkResult(libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket", doing);
  try {
    checkResult(libc().connect(fd, address, address.length), "connect", doing);
    const text = new TextEncoder().encode(state);
    checkResult(Number(libc().send(fd, text, BigInt(text.length), 0)), "send", doing);
  } finally {
    libc().close(fd);
  }
}
