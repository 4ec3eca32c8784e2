/** Does what pods send arrive, and unchanged: conditions 4 to 8. */
import { formatPrefix, type Prefix } from "../net/prefix.ts";
import { fail, type Finding, pass, unknown, worstOf } from "./finding.ts";
import { NO_PREFS, POLICY } from "./judge_routes.ts";
import type { MeshFacts } from "./mesh_facts.ts";
import { tailscaleCommand } from "./tailscale_command.ts";

/** Condition 4: other nodes' WireGuard takes packets of pods of this one. Only they know. */
export function judgeSource(facts: MeshFacts): Finding {
  return judgeProbes(facts, `${POLICY}: the other node has to see the route of this one`);
}

/** Condition 5: packet filters let pods reach pods; those of other nodes are theirs to know. */
export function judgeFilters(facts: MeshFacts): Finding {
  if (facts.prefs?.shieldsUp) {
    return fail(
      "shields are up: nothing from other nodes reaches pods here",
      tailscaleCommand(facts.socket, "set --shields-up=false"),
    );
  }
  return judgeProbes(facts, `${POLICY}: pods to pods, by every protocol`);
}

/** Condition 6: neither tailscaled nor we give packets to other pods the node's address. */
export function judgeAddresses({ prefs, masqueradeExempts, socket }: MeshFacts): Finding {
  return worstOf([
    masqueradeExempts ? pass("our masquerade leaves out the cluster") : unknown(
      "neither the cluster's network nor the interface of tailscaled is known, which our masquerade " +
        "leaves out",
      "name the network in network.podCIDR.base",
    ),
    !prefs
      ? NO_PREFS
      : prefs.noSnat
      ? pass("tailscaled does no SNAT")
      : fail("tailscaled does SNAT", tailscaleCommand(socket, "set --snat-subnet-routes=false")),
  ]);
}

/** Condition 7: the node forwards, and what pods send fits the tunnel. */
export function judgeForwarding(facts: MeshFacts): Finding {
  return worstOf([judgeForwards(facts), judgeMtu(facts)]);
}

/** Condition 8: connections that pods begin are not taken for strange ones. */
export function judgeStateful({ prefs, socket }: MeshFacts): Finding {
  if (!prefs) return NO_PREFS;
  return prefs.noStatefulFiltering ? pass("stateful filtering is off") : fail(
    "stateful filtering drops what pods begin",
    tailscaleCommand(socket, "set --stateful-filtering=false"),
  );
}

function judgeProbes({ probes = [], hasNeighbours }: MeshFacts, fix: string): Finding {
  if (probes.length === 0) {
    return hasNeighbours
      ? unknown("nothing was sent to pods of other nodes", PING)
      : unknown("no other node serves pods");
  }
  return worstOf(probes.map(({ peer, prefix, verdict, text }) => ({
    verdict,
    evidence: `"${peer}" (${formatPrefix(prefix)}): ${text}`,
    fix: { pass: "", fail: fix, unknown: PING }[verdict],
  })));
}

const PING = "ping one of them from a pod here";

function judgeForwards({ forwardingWarning, podCidrs }: MeshFacts): Finding {
  if (forwardingWarning === undefined) return unknown("whether the node forwards is not known");
  return concerns(forwardingWarning, podCidrs)
    ? fail(
      forwardingWarning,
      "let headcni daemon set it, and see that nobody else takes it back: " +
        "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding",
    )
    : pass("the node forwards");
}

/**
 * Whether it is about pods: tailscaled asks for both families, as an exit node would need them
 * (CheckIPForwarding in ipn/ipnlocal/local.go), and names the only one that is off.
 */
function concerns(warning: string, podCidrs: readonly Prefix[]): boolean {
  const named = /\bIPv([46])\b/.exec(warning)?.[1];
  return named === undefined
    ? warning !== ""
    : podCidrs.some(({ address: { family } }) => String(family) === named);
}

function judgeMtu({ podMtuBytes, device }: MeshFacts): Finding {
  if (!device) return unknown("the interface of tailscaled was not found");
  if (podMtuBytes === undefined) return unknown("the MTU of pods is not known");
  const seen = `pods have an MTU of ${podMtuBytes} bytes, ${device.name} of ${device.mtuBytes}`;
  return podMtuBytes <= device.mtuBytes
    ? pass(seen)
    : fail(seen, `set network.mtu to ${device.mtuBytes} or less, and start the pods anew`);
}
