/**
 * Run inside a namespace by host_ports_test.ts: leads the port that the first argument names to pod
 * 10.1.0.x of the second, and prints how that went.
 */
import { ConfigError } from "../../lib/errors.ts";
import { ensureHostPorts } from "../../lib/linux/host_ports.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";

const [hostPort = "", pod = ""] = Deno.args;
using socket = NetlinkSocket.open(NETLINK_NETFILTER);
const port = {
  ...{ protocol: "tcp", hostPort: Number(hostPort), hostIp: undefined } as const,
  ...{ target: parseAddress(`10.1.0.${pod}`), targetPort: 80 },
};
try {
  const networks = [parsePrefix("10.1.0.0/24")];
  ensureHostPorts(socket, [port], { link: `veth${pod}`, networks });
  console.log("mapped");
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.log(error.reason);
}
