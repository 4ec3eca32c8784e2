/** The kernel of the node, whatever its pods' network is. */
import { type Check, checksOf } from "./check.ts";
import { fail, failOn, type Finding, pass, skip, warn, warnOn } from "./finding.ts";
import type { KernelSight } from "./sight.ts";

const OUTSIDE = "pods-cannot-reach-the-outside";
const OTHER_NODES = "pods-cannot-reach-pods-of-other-nodes";

/** Limits and switches that others set. */
export const KERNEL_CHECKS: readonly Check[] = checksOf("kernel", "kernel", [
  ["rp-filter", "reverse path filter", OTHER_NODES, judgeReversePath],
  ["bridge-nf", "packets between ports of the bridge", OUTSIDE, judgeBridgeNetfilter],
  ["conntrack", "room for connections", OUTSIDE, judgeConntrack],
  ["inotify", "limits of inotify", "the-daemon-does-not-start", judgeInotify],
  ["dad", "addresses can be used", OUTSIDE, judgeTentative],
  ["shared-range", "no address in the tailnet's range", OTHER_NODES, judgeSharedRange],
  ["foreign-links", "no links of another CNI", "flannel", judgeForeignLinks],
]);

/** The sysctls that these checks read, below /proc/sys. */
export function kernelSysctls(bridge: string, tailnetDevice: string | undefined): string[][] {
  const links = ["all", bridge, ...tailnetDevice === undefined ? [] : [tailnetDevice]];
  return [
    ...links.map((link) => [...RP_FILTER, link, "rp_filter"]),
    ...[BRIDGE_NF, CONNTRACK_COUNT, CONNTRACK_MAX, INOTIFY_INSTANCES, INOTIFY_WATCHES],
  ].map((path) => [...path]);
}

const RP_FILTER = ["net", "ipv4", "conf"];
const BRIDGE_NF = ["net", "bridge", "bridge-nf-call-iptables"];
const CONNTRACK_COUNT = ["net", "netfilter", "nf_conntrack_count"];
const CONNTRACK_MAX = ["net", "netfilter", "nf_conntrack_max"];
const INOTIFY_INSTANCES = ["fs", "inotify", "max_user_instances"];
const INOTIFY_WATCHES = ["fs", "inotify", "max_user_watches"];

/** The larger of `all` and of the link counts; 1 is strict: ip-sysctl of the kernel's documentation. */
function judgeReversePath({ sysctls, bridge, tailnetDevice }: KernelSight): Finding {
  const all = numberOf(sysctls, [...RP_FILTER, "all", "rp_filter"]) ?? 0;
  const links = [bridge, ...tailnetDevice === undefined ? [] : [tailnetDevice]];
  const strict = links.filter((link) => {
    const own = numberOf(sysctls, [...RP_FILTER, link, "rp_filter"]);
    return own !== undefined && Math.max(all, own) === 1;
  });
  return warnOn(
    strict.map((link) =>
      `${link} is strict: what comes by another way than it would go is dropped`
    ),
    "sysctl -w net.ipv4.conf.all.rp_filter=2, and the same in a file of /etc/sysctl.d",
    "loose or off",
  );
}

function judgeBridgeNetfilter({ sysctls }: KernelSight): Finding {
  const value = numberOf(sysctls, BRIDGE_NF);
  if (value === undefined) return skip("br_netfilter is not loaded");
  return value === 1 ? pass("they pass kube-proxy's rules, too") : warn(
    "net.bridge.bridge-nf-call-iptables is 0: a pod that asks a service of a pod here gets no answer",
    "sysctl -w net.bridge.bridge-nf-call-iptables=1, unless kube-proxy is not used",
  );
}

/** Shares of the table: where it is full, new connections are dropped. */
const NEARLY_FULL = 0.8;
const FULL = 0.95;

function judgeConntrack({ sysctls }: KernelSight): Finding {
  const count = numberOf(sysctls, CONNTRACK_COUNT);
  const max = numberOf(sysctls, CONNTRACK_MAX);
  if (count === undefined || !max) return skip("connections are not tracked here");
  const seen = `${count} of ${max} connections`;
  const fix = `sysctl -w net.netfilter.nf_conntrack_max=${2 * max}, and see who opens so many: ` +
    "conntrack -L";
  if (count >= max * FULL) return fail(seen, fix);
  return count >= max * NEARLY_FULL ? warn(seen, fix) : pass(seen);
}

/** The kernel's own defaults: with less, kubelet, runtime and daemon get none. */
const MIN_INSTANCES = 128;
const MIN_WATCHES = 8192;

function judgeInotify({ sysctls }: KernelSight): Finding {
  const instances = numberOf(sysctls, INOTIFY_INSTANCES);
  const watches = numberOf(sysctls, INOTIFY_WATCHES);
  if (instances === undefined || watches === undefined) return skip("the kernel has no inotify");
  const low = [
    ...instances < MIN_INSTANCES ? [`fs.inotify.max_user_instances is ${instances}`] : [],
    ...watches < MIN_WATCHES ? [`fs.inotify.max_user_watches is ${watches}`] : [],
  ];
  return warnOn(
    low,
    "sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288",
    `${instances} instances, ${watches} watches`,
  );
}

/** Duplicate address detection: until it is over nobody can be asked from there; RFC 4862. */
function judgeTentative({ tentative }: KernelSight): Finding {
  return failOn(
    tentative.map((each) => `${each} is tentative, or another has it (dadfailed)`),
    "see ip -6 address; if it stays: sysctl -w net.ipv6.conf.<link>.accept_dad=0, and add it anew",
    "none is tentative",
  );
}

/** tailscaled drops what comes from there by another link: ts-input. */
function judgeSharedRange({ sharedAddresses }: KernelSight): Finding {
  return warnOn(
    sharedAddresses.map((each) =>
      `${each} is in 100.64.0.0/10, which tailscaled takes for its own`
    ),
    "give the tailnet the node attribute disable-linux-cgnat-drop-rule, or the link other addresses",
    "none beside the tailnet's",
  );
}

function judgeForeignLinks({ foreignLinks }: KernelSight): Finding {
  return warnOn(
    foreignLinks.map((name) => `${name} was made by another CNI`),
    `when no pod of it is left: ${foreignLinks.map((name) => `ip link delete ${name}`).join("; ")}`,
    "none",
  );
}

function numberOf(sysctls: ReadonlyMap<string, string>, path: readonly string[]) {
  const text = sysctls.get(path.join("/"));
  return text === undefined ? undefined : Number(text);
}
