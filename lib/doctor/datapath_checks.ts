/** What the daemon keeps in the kernel, and routes of others that lead elsewhere. */
import type { DatapathPart } from "../node/datapath.ts";
import { formatPrefix, overlaps } from "../net/prefix.ts";
import { type Check, checksOf } from "./check.ts";
import { failOn, type Finding, warn, warnOn } from "./finding.ts";
import type { DatapathSight } from "./sight.ts";

const OUTSIDE = "pods-cannot-reach-the-outside";
const OTHER_NODES = "pods-cannot-reach-pods-of-other-nodes";
const KEPT = "what-it-keeps-mended";

/** Links, addresses, rules and routes. */
export const DATAPATH_CHECKS: readonly Check[] = checksOf("kernel", "datapath", [
  ["bridge", "bridge", KEPT, judgeBridge, "turn"],
  ["bridge-address", "gateway addresses", KEPT, judgeParts("bridge_address"), "turn"],
  ["forwarding", "forwarding", OUTSIDE, judgeParts("sysctl"), "turn"],
  ["ip-rule", "local traffic stays local", OTHER_NODES, judgeAdded("rule"), "turn"],
  ["guard-route", "nothing leaves in clear", KEPT, judgeGuard, "turn"],
  ["stale-routes", "no stale rule or route", KEPT, judgeStale, "turn"],
  ["blackholes", "no route of others refuses pods", OTHER_NODES, judgeBlackholes],
  ["accepted-routes", "no accepted route takes local traffic", OTHER_NODES, judgeAccepted],
  ["mtu", "MTU of pods", OTHER_NODES, judgeMtu],
]);

const RESTORE = "start the daemon, or: headcni doctor --fix";

function judgeBridge({ mends, troubles }: DatapathSight): Finding {
  const lacks = mends.filter(({ part }) => part === "bridge" || part === "bridge_port");
  return failOn([...troubles, ...lacks.map(tellMend)], RESTORE, "as it should be");
}

function judgeParts(part: DatapathPart): (sight: DatapathSight) => Finding {
  return ({ mends }) =>
    failOn(mends.filter((each) => each.part === part).map(tellMend), RESTORE, OK);
}

function judgeAdded(part: DatapathPart): (sight: DatapathSight) => Finding {
  return ({ mends }) =>
    failOn(
      mends.filter((each) => each.part === part && !each.isRemoval).map(tellMend),
      RESTORE,
      OK,
    );
}

function judgeGuard(sight: DatapathSight): Finding {
  const kept = judgeAdded("route")(sight);
  if (kept.verdict !== "pass" || !sight.lacksClusterCidr) return kept;
  return warn(
    "no pod network of the cluster is known: what is sent to pods of other nodes leaves in clear while the " +
      "tailnet is down",
    "set network.podCIDR.base",
  );
}

/** Of a PodCIDR that the node had before. */
function judgeStale({ mends }: DatapathSight): Finding {
  const stale = mends.filter(({ part, isRemoval }) =>
    isRemoval && (part === "rule" || part === "route")
  );
  return failOn(
    stale.map(({ text }) => `of ours, and wanted no more: ${text}`),
    RESTORE,
    "none of protocol 72",
  );
}

function judgeBlackholes({ blackholes }: DatapathSight): Finding {
  return failOn(
    blackholes.map((route) => `${route} refuses packets to pods`),
    `see who made it, and: ${blackholes.map((route) => `ip route delete ${route}`).join("; ")}`,
    "none",
  );
}

/** Table 52 is asked before the node's own; only what our rule names is safe from it. */
function judgeAccepted({ acceptedRoutes, hostRoutes, podCidrs }: DatapathSight): Finding {
  const local = hostRoutes.filter(({ hasGateway, destination }) =>
    !hasGateway && destination.length > 0
  );
  const taken = acceptedRoutes.filter(({ length }) => length > 0).flatMap((route) => [
    ...podCidrs.filter((cidr) => overlaps(cidr, route))
      .map((cidr) => `${formatPrefix(route)} covers the pods' ${formatPrefix(cidr)}`),
    ...local.filter(({ destination }) => overlaps(destination, route)).map((
      { destination, link },
    ) =>
      `${formatPrefix(route)} takes traffic to ${formatPrefix(destination)} on ${link ?? "a link"}`
    ),
  ]);
  return warnOn(
    taken,
    "advertise less on the node that serves it, or keep local traffic local: " +
      "ip rule add to <network> lookup main priority 5101",
    "none does",
  );
}

function judgeMtu({ largeLinks, mtuBytes }: DatapathSight): Finding {
  return warnOn(
    largeLinks.map((link) => `${link}, pods are to have ${mtuBytes} bytes`),
    "start these pods anew: they were made before the MTU was lowered",
    `${mtuBytes} bytes`,
  );
}

const OK = "as it should be";

function tellMend({ text }: DatapathSight["mends"][number]): string {
  return `lacking: ${text}`;
}
