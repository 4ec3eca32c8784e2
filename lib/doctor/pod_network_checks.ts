/** The network of this node's pods: known, their own, and nobody else's. */
import {
  containsPrefix,
  equalPrefixSets,
  formatPrefix,
  type Prefix,
  showPrefixes,
  tryParsePrefix,
} from "../net/prefix.ts";
import { type Check, checksOf } from "./check.ts";
import { fail, failOn, type Finding, pass, skip, warn, warnOn } from "./finding.ts";
import type { ApiSight, PodNetworkSight, RangesSight } from "./sight.ts";

const NO_NETWORK = "no-network-for-the-pods-of-this-node";

/** Where addresses come from. */
export const POD_NETWORK_CHECKS: readonly Check[] = [
  ...checksOf("pod-network", "podNetwork", [
    ["pod-cidr", "PodCIDR", NO_NETWORK, judgeCidr],
    ["pod-cidr-overlap", "PodCIDR is nobody else's", NO_NETWORK, judgeOverlap],
  ]),
  ...checksOf("pod-network", "ranges", [
    ["fixed-subnet", "no range that is the same on every node", "one-subnet", judgeFixed],
    ["subnet-file", "subnet file", "the-subnet-file", judgeSubnetFile, "turn"],
  ]),
  ...checksOf("pod-network", "api", [
    ["pod-cidr-api", "PodCIDR of the API server", "the-api-server", judgeApi],
  ]),
];

function judgeCidr({ chosen, own, reasons, refused }: PodNetworkSight): Finding {
  if (!chosen) {
    return refused.length > 0
      ? fail(refused.join("; "), "use the network that the text asks for")
      : fail(reasons.join("; "), "set network.podCIDR.nodeLocal, another one on each node");
  }
  const seen = `${list(chosen.cidrs)} by ${chosen.origin}`;
  if (own.length > 0 && !equalPrefixSets(own, chosen.cidrs)) {
    return warn(
      `the daemon uses ${seen}; now it would be ${list(own)}`,
      "restart the daemon, or see its environment and flags: systemctl cat headcni",
    );
  }
  return chosen.source === "computed" || chosen.source === "default"
    ? warn(`${seen}: another node may have it, too`, "set network.podCIDR.nodeLocal")
    : pass(seen);
}

function judgeOverlap({ chosen, refused, warnings }: PodNetworkSight): Finding {
  if (refused.length > 0) {
    return failOn(refused, "give the node another network: network.podCIDR.nodeLocal", "");
  }
  if (!chosen) return NOT_KNOWN;
  return warnOn(
    warnings,
    "do what the text says",
    "it meets neither the tailnet nor services nor a network of this node",
  );
}

/** A range in a configuration that is copied to every node gives each address once on each. */
function judgeFixed({ fixed, cidrs }: RangesSight): Finding {
  const all = fixed.flatMap(({ path, subnets }) => subnets.map((subnet) => ({ path, subnet })));
  if (all.length === 0) return pass("no configuration names a range");
  if (!cidrs) return NOT_KNOWN;
  const outside = all.filter(({ subnet }) => !cidrs.some((cidr) => containsPrefix(cidr, subnet)));
  return failOn(
    outside.map(({ path, subnet }) =>
      `${path} gives addresses of ${formatPrefix(subnet)}, the node has ${list(cidrs)}`
    ),
    "take the range out of it: the subnet file names that of this node",
    "the ranges are those of this node",
  );
}

function judgeSubnetFile({ subnetFile, cidrs }: RangesSight): Finding {
  const { path, subnets, fault, isNeeded } = subnetFile;
  if (!isNeeded) return pass("no configuration wants one");
  if (fault !== "") return fail(fault, RESTORE);
  if (!cidrs) return NOT_KNOWN;
  return equalPrefixSets(subnets, cidrs)
    ? pass(path)
    : fail(`${path} says ${list(subnets)}, the node has ${list(cidrs)}`, RESTORE);
}

function judgeApi({ source, finding, annotation, cidrs }: ApiSight): Finding {
  const told = (annotation ?? "").split(",").flatMap((text) => tryParsePrefix(text) ?? []);
  if (annotation !== undefined && cidrs.length > 0 && !equalPrefixSets(told, cidrs)) {
    return warn(
      `annotation headcni.pod.cidr says ${annotation}, the node has ${list(cidrs)}`,
      "see journalctl -u headcni: the daemon may have no right to patch its node",
    );
  }
  if ("fault" in finding) return skip(`${source}: ${finding.fault}`);
  if (cidrs.length === 0) return NOT_KNOWN;
  return equalPrefixSets(finding.cidrs, cidrs) ? pass(`${list(cidrs)}, by ${source}`) : warn(
    `the API server assigned ${list(finding.cidrs)}, the node has ${list(cidrs)}`,
    "see that no other node has the latter, or leave network.podCIDR.nodeLocal out",
  );
}

const RESTORE = "start the daemon, or: headcni doctor --fix";
const NOT_KNOWN = skip("no PodCIDR is known");

function list(prefixes: readonly Prefix[]): string {
  return showPrefixes(prefixes).replaceAll('"', "");
}
