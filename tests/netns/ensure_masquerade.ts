/**
 * Masquerades one prefix in the namespace that this process is started in, and prints what came of
 * it: `deno run -A ensure_masquerade.ts 10.1.0.0/24`. Tests run many of it at once.
 */
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import { ensureMasquerade } from "../../lib/linux/nft.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";

using socket = NetlinkSocket.open(NETLINK_NETFILTER);
console.log(ensureMasquerade(socket, { sources: Deno.args.map(parsePrefix), exempt: [] }));
