import { killMembersTests } from "./kill_members.ts";
import { POD_LIMITS } from "./kill_node.ts";
import { SUBNETS } from "./plugin.ts";

const RANGES = [[{ subnet: SUBNETS[4] }], [{ subnet: SUBNETS[6] }]];

// tuning is given nothing that it would put back: it keeps the file for that once the link is gone.
killMembersTests("chain", () => ({
  plugins: [
    { type: "headcni", ipam: { type: "headcni-ipam", ranges: RANGES } },
    {
      type: "tuning",
      sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
    },
  ],
  runtimeConfig: {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    bandwidth: POD_LIMITS,
  },
}));
