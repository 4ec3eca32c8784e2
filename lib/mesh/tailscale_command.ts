/** Commands of tailscale's that a person is told to type. */

/** Where it looks by itself, by both names of the folder: tailscale, paths/paths_unix.go. */
const DEFAULT_SOCKETS: readonly string[] = [
  "/var/run/tailscale/tailscaled.sock",
  "/run/tailscale/tailscaled.sock",
];

/**
 * A command for the tailscaled that listens on a socket, such as
 * `tailscale --socket=/run/headcni/headcni_tailscale.sock set --accept-routes`.
 * @param socket undefined where it is not known.
 */
export function tailscaleCommand(socket: string | undefined, words: string): string {
  return socket === undefined || DEFAULT_SOCKETS.includes(socket)
    ? `tailscale ${words}`
    : `tailscale --socket=${socket} ${words}`;
}
