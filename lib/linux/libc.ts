/**
 * The C library through FFI: the only `Deno.dlopen` of the project. It is loaded on first use
 * (about 2 ms) and holds only what our sockets and namespaces need.
 */
import { KernelError } from "../errors.ts";
import { cannot, type Doing } from "./doing.ts";
import { errnoText } from "./errno.ts";

const SYMBOLS = {
  // int socket(int domain, int type, int protocol); see socket(2)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t length);
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // int bind(int fd, const struct sockaddr *address, socklen_t length); see bind(2)
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // ssize_t send(int fd, const void *buffer, size_t length, int flags); see send(2)
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  // The same on another thread: its errno is out of reach.
  sendInBackground: {
    name: "send",
    parameters: ["i32", "buffer", "usize", "i32"],
    result: "isize",
    nonblocking: true,
  },
  // int connect(int fd, const struct sockaddr *address, socklen_t length); see connect(2)
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // ssize_t recv(int fd, void *buffer, size_t length, int flags); see recv(2)
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  // int poll(struct pollfd *fds, nfds_t count, int timeout); see poll(2)
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  // The same on another thread, which it keeps until it is over.
  pollInBackground: {
    name: "poll",
    parameters: ["buffer", "usize", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // int eventfd(unsigned int initval, int flags); see eventfd(2)
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  // ssize_t write(int fd, const void *buffer, size_t length); see write(2)
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // int open(const char *path, int flags, ...); see open(2)
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int close(int fd); see close(2)
  close: { parameters: ["i32"], result: "i32" },
  // int ioctl(int fd, unsigned long request, ...); see ioctl(2)
  ioctl: { parameters: ["i32", "usize"], result: "i32" },
  // int setns(int fd, int nstype); see setns(2)
  setns: { parameters: ["i32", "i32"], result: "i32" },
  // int unshare(int flags); see unshare(2)
  unshare: { parameters: ["i32"], result: "i32" },
  // void abort(void); see abort(3)
  abort: { parameters: [], result: "void" },
  // int *__errno_location(void); Linux Standard Base, errno(3)
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C functions by name; each comment above is the C prototype. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** File name of glibc, which Deno itself is linked with. */
const LIBRARY_NAME = "libc.so.6";

let loaded: Libc | undefined;
/** Where this thread's errno is. Found beforehand: finding it could overwrite it. */
let errnoView: Deno.UnsafePointerView | undefined;

/**
 * The C library, loaded once per thread.
 * @throws Error when it cannot be loaded.
 */
export function libc(): Libc {
  if (loaded) return loaded;
  loaded = Deno.dlopen(LIBRARY_NAME, SYMBOLS).symbols;
  const location = loaded.__errno_location();
  if (location !== null) errnoView = new Deno.UnsafePointerView(location);
  return loaded;
}

/**
 * The errno of the synchronous call that was made just before; nothing may come between, and even
 * so the runtime may have made a call of its own: rely on it for words and rare cases only. It
 * cannot be read after a `nonblocking` call, which ran on another thread.
 */
export function lastErrno(): number {
  return errnoView?.getInt32() ?? 0;
}

/**
 * Passes on the result of a C call, made just before, that answers -1 for failure.
 * @param doing completes "Cannot ...", such as `open namespace "/run/netns/x"`.
 * @throws KernelError with the errno of the call.
 */
export function checkResult(result: number, call: string, doing: Doing): number {
  if (result >= 0) return result;
  const errno = lastErrno();
  throw new KernelError(call, errno, `${cannot(doing)}: ${call}: ${errnoText(errno)}`);
}
