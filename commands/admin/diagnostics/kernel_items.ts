/** What the kernel has, by our own netlink: no tool has to be on the node. */
import type { Host } from "../../../lib/host/host.ts";
import { LinuxKeeper } from "../../../lib/linux/keeper.ts";
import { type Address, FAMILIES, type Family, formatAddress } from "../../../lib/net/address.ts";
import type { Link, LinkAddress } from "../../../lib/net/link.ts";
import { formatMac } from "../../../lib/net/mac.ts";
import { formatPrefix, type Prefix } from "../../../lib/net/prefix.ts";
import type { KernelRoute } from "../../../lib/net/route.ts";
import type { KernelRule } from "../../../lib/net/rule.ts";
import type { Item } from "./item.ts";

/** Those of a node; `@` stands for each link. */
const SYSCTLS: readonly string[] = [
  ...["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv4/ping_group_range"],
  ...["net/ipv4/conf/@/rp_filter", "net/ipv4/conf/@/forwarding", "net/ipv4/conf/@/proxy_arp"],
  ...["net/ipv4/conf/@/arp_ignore", "net/ipv4/conf/@/route_localnet"],
  ...["net/ipv6/conf/@/forwarding", "net/ipv6/conf/@/disable_ipv6", "net/ipv6/conf/@/accept_ra"],
  ...["net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"],
  ...["net/netfilter/nf_conntrack_max", "net/netfilter/nf_conntrack_count", "kernel/osrelease"],
];

/** `RTN_*` as ip(8) has it: linux/rtnetlink.h. */
const ROUTE_TYPES: Readonly<Record<number, string>> = {
  6: "blackhole",
  7: "unreachable",
  8: "prohibit",
};

/** Links, addresses, routes, rules, sysctls and our table, nearly in the words of ip(8) and the like. */
export function kernelItems(openHost: () => Host): Item[] {
  const listed = (name: string, list: (host: Host) => string[]): Item => ({
    name: `kernel/${name}.txt`,
    read: () => {
      using host = openHost();
      return list(host).join("\n");
    },
  });
  return [
    listed("links", (host) => host.listLinks("host").map(formatLink)),
    listed("addresses", (host) => {
      const name = linkNames(host);
      return host.listAddresses("host").map((address) => formatLinkAddress(address, name));
    }),
    listed("routes", (host) => {
      const name = linkNames(host);
      return host.listRoutes("host").map((route) => formatRoute(route, name));
    }),
    listed("rules", (host) => FAMILIES.flatMap((family) => listRules(host, family))),
    listed("sysctls", listSysctls),
    {
      name: "kernel/headcni-table.txt",
      read: () => {
        using keeper = new LinuxKeeper();
        const lines = keeper.listTable();
        return lines.length > 0 ? lines.join("\n") : "there is no table inet headcni";
      },
    },
  ];
}

type LinkName = (index: number | undefined) => string;

function linkNames(host: Host): LinkName {
  const names = new Map(host.listLinks("host").map(({ index, name }) => [index, name]));
  return (index) => (index === undefined ? "-" : names.get(index) ?? `if${index}`);
}

/** Such as `4: veth1: UP carrier mtu 1280 veth master 3 peer 2 02:00:... alias '...'`. */
export function formatLink(link: Link): string {
  const { index, name, up, carrier, promiscuous, mtuBytes, linkKind, masterIndex, peerIndex } =
    link;
  return words(
    `${index}: ${name}:`,
    up ? "UP" : "DOWN",
    carrier && "carrier",
    promiscuous && "promisc",
    `mtu ${mtuBytes}`,
    linkKind,
    masterIndex !== undefined && `master ${masterIndex}`,
    peerIndex !== undefined && `peer ${peerIndex}`,
    link.mac && formatMac(link.mac),
    link.group !== undefined && `group 0x${link.group.toString(16)}`,
    link.alias !== undefined && `alias '${link.alias}'`,
  );
}

function formatLinkAddress(address: LinkAddress, linkName: LinkName): string {
  return words(
    linkName(address.linkIndex),
    formatPrefix(address.address),
    `scope ${address.scope}`,
    address.tentative && "tentative",
  );
}

/** Such as `10.9.0.0/24 dev headcni0 scope 253 proto 2 table 254`. */
export function formatRoute(route: KernelRoute, linkName: LinkName): string {
  return words(
    ROUTE_TYPES[route.routeType],
    formatPrefix(route.destination),
    labelled("via", route.gateway),
    `dev ${linkName(route.linkIndex)}`,
    labelled("src", route.source),
    route.mtuBytes !== undefined && `mtu ${route.mtuBytes}`,
    route.advmssBytes !== undefined && `advmss ${route.advmssBytes}`,
    route.priority !== undefined && `metric ${route.priority}`,
    route.onlink && "onlink",
    `scope ${route.scope} proto ${route.protocol} table ${route.table}`,
  );
}

function listRules(host: Host, family: Family): string[] {
  return host.listRules("host", family).map((rule) => formatRule(rule, family));
}

function formatRule({ priority, from, to, table, protocol }: KernelRule, family: Family): string {
  const side = (prefix: Prefix | undefined) => prefix ? formatPrefix(prefix) : "all";
  return `IPv${family} ${priority}: from ${side(from)} to ${
    side(to)
  } lookup ${table} proto ${protocol}`;
}

function listSysctls(host: Host): string[] {
  const links = ["all", "default", ...host.listLinks("host").map(({ name }) => name)];
  return SYSCTLS.flatMap((path) =>
    path.includes("@") ? links.map((link) => [path, link]) : [[path]]
  )
    .flatMap(([path = "", link = ""]) => {
      const parts = path.split("/").map((part) => part === "@" ? link : part);
      const value = host.readSysctl("host", parts);
      return value === undefined ? [] : [`${parts.join("/")} = ${value}`];
    });
}

function labelled(label: string, address: Address | undefined): string | undefined {
  return address && `${label} ${formatAddress(address)}`;
}

function words(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== false).join(" ");
}
