/** `@std/path`: paths of POSIX systems, with the signatures of the std functions that we use. */

/** The path without its last part; `.` when there is no other. */
export function dirname(path: string): string {
  const trimmed = trimSlashes(path);
  if (trimmed === "/") return "/";
  const slash = trimmed.lastIndexOf("/");
  return slash < 0 ? "." : trimSlashes(trimmed.slice(0, slash + 1));
}

/** True when the path starts at the root. */
export function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

/** The paths joined by slashes, normalized; empty ones are left out. */
export function join(path = "", ...paths: string[]): string {
  return normalize([path, ...paths].filter((part) => part !== "").join("/"));
}

/** The path without `.`, `..` and repeated slashes; a trailing slash is kept. */
export function normalize(path: string): string {
  const absolute = isAbsolute(path);
  const text = resolveDots(path, absolute);
  if (text === "") return absolute ? "/" : path.endsWith("/") ? "./" : ".";
  return `${absolute ? "/" : ""}${text}${path.endsWith("/") ? "/" : ""}`;
}

/** The segments resolved from right to left until the path is absolute, else from the cwd. */
export function resolve(...segments: string[]): string {
  const start = segments.findLastIndex(isAbsolute);
  const parts = start < 0 ? [Deno.cwd(), ...segments] : segments.slice(start);
  return `/${resolveDots(parts.join("/"), true)}`;
}

/**
 * The path of a `file:` URL.
 * @throws TypeError for any other protocol.
 */
export function fromFileUrl(url: string | URL): string {
  const { protocol, pathname } = new URL(url);
  if (protocol !== "file:") {
    throw new TypeError(`Cannot take the path of URL "${url}": its protocol is not "file:"`);
  }
  return decodeURIComponent(pathname.replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
}

/** Without trailing slashes, the root aside. */
function trimSlashes(path: string): string {
  return path.replace(/(?<=.)\/+$/, "") || path;
}

/** The parts between slashes with `.` and `..` carried out; above the root is the root. */
function resolveDots(path: string, absolute: boolean): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!absolute) parts.push(part);
  }
  return parts.join("/");
}
