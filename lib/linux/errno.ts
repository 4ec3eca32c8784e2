/**
 * Error numbers of Linux, asm-generic/errno-base.h and asm-generic/errno.h (the same on x86-64 and
 * arm64): those that we decide on, and the names and words of those that users may see.
 */

export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const EROFS = 30;
export const ENAMETOOLONG = 36;
export const ELOOP = 40;
export const EMSGSIZE = 90;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EADDRNOTAVAIL = 99;
export const ENETUNREACH = 101;
export const EISCONN = 106;
export const ETIMEDOUT = 110;
export const EHOSTUNREACH = 113;
export const EINPROGRESS = 115;

/** Name and words as strerror(3) has them, by errno. */
const TEXTS: Readonly<Record<number, string>> = {
  1: "EPERM (Operation not permitted)",
  2: "ENOENT (No such file or directory)",
  3: "ESRCH (No such process)",
  4: "EINTR (Interrupted system call)",
  5: "EIO (Input/output error)",
  6: "ENXIO (No such device or address)",
  9: "EBADF (Bad file descriptor)",
  11: "EAGAIN (Resource temporarily unavailable)",
  12: "ENOMEM (Cannot allocate memory)",
  13: "EACCES (Permission denied)",
  14: "EFAULT (Bad address)",
  16: "EBUSY (Device or resource busy)",
  17: "EEXIST (File exists)",
  18: "EXDEV (Invalid cross-device link)",
  19: "ENODEV (No such device)",
  20: "ENOTDIR (Not a directory)",
  21: "EISDIR (Is a directory)",
  22: "EINVAL (Invalid argument)",
  23: "ENFILE (Too many open files in system)",
  24: "EMFILE (Too many open files)",
  25: "ENOTTY (Inappropriate ioctl for device)",
  28: "ENOSPC (No space left on device)",
  30: "EROFS (Read-only file system)",
  34: "ERANGE (Numerical result out of range)",
  36: "ENAMETOOLONG (File name too long)",
  38: "ENOSYS (Function not implemented)",
  40: "ELOOP (Too many levels of symbolic links)",
  61: "ENODATA (No data available)",
  71: "EPROTO (Protocol error)",
  75: "EOVERFLOW (Value too large for defined data type)",
  90: "EMSGSIZE (Message too long)",
  92: "ENOPROTOOPT (Protocol not available)",
  93: "EPROTONOSUPPORT (Protocol not supported)",
  95: "EOPNOTSUPP (Operation not supported)",
  97: "EAFNOSUPPORT (Address family not supported by protocol)",
  98: "EADDRINUSE (Address already in use)",
  99: "EADDRNOTAVAIL (Cannot assign requested address)",
  100: "ENETDOWN (Network is down)",
  101: "ENETUNREACH (Network is unreachable)",
  104: "ECONNRESET (Connection reset by peer)",
  105: "ENOBUFS (No buffer space available)",
  107: "ENOTCONN (Transport endpoint is not connected)",
  110: "ETIMEDOUT (Connection timed out)",
  111: "ECONNREFUSED (Connection refused)",
  113: "EHOSTUNREACH (No route to host)",
  114: "EALREADY (Operation already in progress)",
  116: "ESTALE (Stale file handle)",
  122: "EDQUOT (Disk quota exceeded)",
};

/** How errors name an errno: `EEXIST (File exists)`; `errno 200` when it is not one of ours. */
export function errnoText(errno: number): string {
  return TEXTS[errno] ?? `errno ${errno}`;
}

/**
 * The errno of an error that Deno's own file calls throw, 0 when there is none in it: Deno tells it
 * only in the text, as Rust's `std::io::Error` prints it, `... (os error 22)`.
 */
export function errnoOf(error: unknown): number {
  const digits = error instanceof Error && /\(os error (\d+)\)/.exec(error.message)?.[1];
  return digits ? Number(digits) : 0;
}
