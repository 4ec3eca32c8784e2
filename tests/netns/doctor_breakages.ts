/** What can be wrong with a node, one thing at a time. */
import { parseAddress } from "../../lib/net/address.ts";
import { addressKey } from "../../lib/store/keys.ts";
import { restoreLease } from "../../lib/store/leases.ts";
import { spoolPath } from "../../lib/store/spool.ts";
import { openStore } from "../../lib/store/store.ts";
import type { StoreTransaction } from "../../lib/store/transaction.ts";
import { DEAD_NETNS, leaseOf } from "../cli/admin_node.ts";
import { conflistPath } from "./daemon.ts";
import type { TestNode } from "./plugin.ts";

/** A way to spoil something, the checks that must tell of it, and whether `--fix` mends it. */
export interface NodeBreakage {
  readonly what: string;
  readonly checks: readonly string[];
  readonly isMended: boolean;
  readonly act: (node: TestNode) => unknown;
  /** Takes back what `--fix` leaves alone. */
  readonly undo?: (node: TestNode) => unknown;
}

const FLANNEL = '{"cniVersion": "1.0.0", "name": "cbr0", "plugins": [{"type": "flannel"}]}';

/** Of a node whose daemon has ended, with one pod that has 10.9.0.2. */
export const NODE_BREAKAGES: readonly NodeBreakage[] = [
  {
    what: "the network configuration is gone",
    checks: ["conflist"],
    isMended: true,
    act: (node) => Deno.remove(conflistPath(node)),
  },
  {
    what: "the network configuration is half-written",
    checks: ["conflist"],
    isMended: true,
    act: (node) => Deno.truncate(conflistPath(node), 40),
  },
  {
    what: "another configuration comes before ours",
    checks: ["conflist-first"],
    isMended: true,
    act: (node) => Deno.writeTextFile(`${node.root}/conf/00-flannel.conflist`, FLANNEL),
  },
  {
    what: "the folder of plugins was emptied",
    checks: ["executables", "loopback"],
    isMended: true,
    act: (node) => node.host.run("sh", "-c", `rm ${node.root}/bin/*`),
  },
  {
    what: "a plugin of another release",
    checks: ["executables"],
    isMended: true,
    act: async (node) => {
      await Deno.remove(`${node.root}/bin/headcni-ipam`);
      await Deno.writeTextFile(`${node.root}/bin/headcni-ipam`, "#!/bin/sh\n", { mode: 0o755 });
    },
  },
  {
    what: "the subnet file says another network",
    checks: ["subnet-file"],
    isMended: true,
    act: async (node) => {
      const path = `${node.root}/run/env.yaml`;
      const text = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, text.replaceAll(/10\.9\.0\./g, "10.9.7."));
    },
  },
  {
    what: "a range of its own in a configuration",
    checks: ["fixed-subnet"],
    isMended: false,
    act: (node) => {
      const ipam = { type: "headcni-ipam", subnet: "10.42.0.0/16" };
      const text = JSON.stringify({ cniVersion: "1.0.0", name: "old", type: "headcni", ipam });
      return Deno.writeTextFile(`${node.root}/conf/90-old.conf`, text);
    },
    undo: (node) => Deno.remove(`${node.root}/conf/90-old.conf`),
  },
  {
    what: "a configuration by hand that asks for NetworkPolicy",
    checks: ["network-policy"],
    isMended: false,
    act: (node) => {
      const ipam = { type: "headcni-ipam", subnet: "10.9.0.0/25" };
      const plugin = { type: "headcni", enable_network_policy: true, ipam };
      const text = JSON.stringify({ cniVersion: "1.0.0", name: "own", plugins: [plugin] });
      return Deno.writeTextFile(`${node.root}/conf/95-own.conflist`, text);
    },
    undo: (node) => Deno.remove(`${node.root}/conf/95-own.conflist`),
  },
  {
    what: "the bridge has another MTU",
    checks: ["bridge"],
    isMended: true,
    act: (node) => node.host.run("ip", "link", "set", "headcni0", "mtu", "1400"),
  },
  {
    what: "the bridge is down, and lost its IPv6 address by that",
    checks: ["bridge", "bridge-address"],
    isMended: true,
    act: (node) => node.host.run("ip", "link", "set", "headcni0", "down"),
  },
  {
    what: "a gateway address was removed",
    checks: ["bridge-address"],
    isMended: true,
    act: (node) => node.host.run("ip", "address", "delete", "10.9.0.1/24", "dev", "headcni0"),
  },
  {
    what: "forwarding is off",
    checks: ["forwarding"],
    isMended: true,
    act: (node) => node.host.run("sysctl", "-qw", "net.ipv4.ip_forward=0"),
  },
  {
    what: "somebody removed our rule",
    checks: ["ip-rule"],
    isMended: true,
    act: (node) => node.host.run("ip", "rule", "delete", "priority", "5100"),
  },
  {
    what: "a route of an earlier PodCIDR",
    checks: ["stale-routes"],
    isMended: true,
    act: (node) =>
      node.host.run(
        ...["ip", "route", "add", "unreachable", "10.7.0.0/16"],
        ...["metric", "4294967040", "proto", "72"],
      ),
  },
  {
    what: "a blackhole of somebody else",
    checks: ["blackholes"],
    isMended: false,
    act: (node) => node.host.run("ip", "route", "add", "blackhole", "10.9.0.128/25"),
    undo: (node) => node.host.run("ip", "route", "delete", "blackhole", "10.9.0.128/25"),
  },
  {
    what: "the ruleset was flushed",
    checks: ["masquerade"],
    isMended: true,
    act: (node) => node.host.run("nft", "flush", "ruleset"),
  },
  {
    what: "too little is masqueraded",
    checks: ["masquerade"],
    isMended: true,
    act: (node) => node.host.run("nft", "flush", "set", "inet", "headcni", "masquerade4"),
  },
  {
    what: "a firewall drops what is forwarded",
    checks: ["forward-policy"],
    isMended: true,
    act: (node) =>
      node.host.run(
        "nft",
        "add table ip fw; add chain ip fw f { type filter hook forward priority 0; policy drop; }",
      ),
  },
  {
    what: "rules of flannel",
    checks: ["foreign-chains"],
    isMended: false,
    act: (node) => node.host.run("nft", "add table ip nat; add chain ip nat FLANNEL-POSTRTG"),
    undo: (node) => node.host.run("nft", "delete table ip nat"),
  },
  {
    what: "the bridge of flannel",
    checks: ["foreign-links"],
    isMended: false,
    act: (node) => node.host.run("ip", "link", "add", "cni0", "type", "bridge"),
    undo: (node) => node.host.run("ip", "link", "delete", "cni0"),
  },
  {
    what: "a strict reverse path filter",
    checks: ["rp-filter"],
    isMended: false,
    act: (node) => node.host.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1"),
    undo: (node) => node.host.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0"),
  },
  {
    what: "an address of the provider in the tailnet's range",
    checks: ["shared-range"],
    isMended: false,
    act: (node) =>
      node.host.run(
        ...[
          "sh",
          "-c",
          "ip link add wan type veth peer name lan && ip address add 100.70.0.9/24 dev wan",
        ],
      ),
    undo: (node) => node.host.run("ip", "link", "delete", "wan"),
  },
  {
    what: "an accepted route that covers the pods",
    checks: ["accepted-routes"],
    isMended: false,
    act: (node) =>
      node.host.run("ip", "route", "add", "10.0.0.0/8", "dev", "headcni0", "table", "52"),
    undo: (node) => node.host.run("ip", "route", "flush", "table", "52"),
  },
  {
    what: "systemd-networkd that removes routes of others",
    checks: ["networkd"],
    isMended: false,
    act: async (node) => {
      await Deno.mkdir(`${node.root}/machine/run/systemd/netif`, { recursive: true });
      await Deno.writeTextFile(`${node.root}/machine/run/systemd/netif/state`, "");
    },
    undo: (node) => Deno.remove(`${node.root}/machine/run`, { recursive: true }),
  },
  {
    what: "a file that switches forwarding off",
    checks: ["sysctl-files"],
    isMended: false,
    act: async (node) => {
      await Deno.mkdir(`${node.root}/machine/etc/sysctl.d`, { recursive: true });
      const path = `${node.root}/machine/etc/sysctl.d/10-hard.conf`;
      await Deno.writeTextFile(path, "# hardened\nnet.ipv4.ip_forward = 0\n");
    },
    undo: (node) => Deno.remove(`${node.root}/machine/etc`, { recursive: true }),
  },
  {
    what: "the store gave up its ballast",
    checks: ["ballast"],
    isMended: true,
    act: (node) => Deno.remove(`${node.dataDirectory}/ballast`),
  },
  {
    what: "something waits for the store since its disk was full",
    checks: ["spool"],
    isMended: true,
    act: (node) => {
      const path = spoolPath(`${node.root}/run`, Deno.realPathSync(node.dataDirectory));
      return Deno.writeTextFile(path, '\n{"count":["allocations","headcni",""]}\n');
    },
  },
  {
    what: "an earlier boot left a lease",
    checks: ["leases", "leases-boot"],
    isMended: true,
    act: (node) =>
      withStore(node, (tx) =>
        restoreLease(
          tx,
          leaseOf({
            ...{ containerId: "c9", network: "headcni", addresses: ["10.9.0.99/24"] },
            ...{ netns: DEAD_NETNS, bootId: "an-earlier-boot" },
          }),
        )),
  },
  {
    what: "records of the store disagree",
    checks: ["store"],
    isMended: true,
    act: (node) =>
      withStore(node, (tx) => tx.delete(addressKey("headcni", parseAddress("10.9.0.2")))),
  },
];

async function withStore(
  node: TestNode,
  act: (tx: StoreTransaction) => unknown,
): Promise<void> {
  const place = { directory: node.dataDirectory, runDirectory: `${node.root}/run` };
  await using store = await openStore(place);
  await store.write(async (tx) => {
    await act(tx);
  });
}
