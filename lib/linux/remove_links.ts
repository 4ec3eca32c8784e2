import { removeLink, removeLinkGroup, setLink } from "../netlink/link.ts";
import { ENODEV } from "./errno.ts";
import { RouteSocket } from "./route_socket.ts";

/**
 * Bit of the group of links that are being removed; the others are the index of one of them, so that
 * no two callers have the same group.
 */
const LEAVING_GROUP = 0x80000000;

/**
 * Removes links of our own namespace on another thread. The kernel waits 18 ms over each veth or
 * ifb (RCU), one after the other, but once for all of a group. Absent links are no fault.
 * @throws KernelError.
 */
export async function removeLinksInBackground(names: readonly string[]): Promise<void> {
  using routes = RouteSocket.open();
  const doing = `remove link "${names.join('", "')}"`;
  const present = names.length > 1 ? names.flatMap((name) => routes.findLink(name) ?? []) : [];
  const [first] = present;
  // Without an alias a link is known for ours by its group alone: it keeps that to its end.
  if (first && present.length > 1 && present.every(({ alias }) => alias)) {
    const group = LEAVING_GROUP + first.index;
    for (const { name } of present) routes.change(setLink(name, { group }), doing, [ENODEV]);
    return await routes.changeInBackground(removeLinkGroup(group), doing, [ENODEV]);
  }
  for (const name of names) await routes.changeInBackground(removeLink(name), doing, [ENODEV]);
}
