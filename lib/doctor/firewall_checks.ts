/** The packet filter of the node: ours, and those of others. */
import { formatPrefix } from "../net/prefix.ts";
import { type Check, checksOf } from "./check.ts";
import { failOn, type Finding, pass, skip, warn, warnOn } from "./finding.ts";
import type { FirewallSight } from "./sight.ts";

const OUTSIDE = "pods-cannot-reach-the-outside";

/** Why packets of pods are dropped, or have another address than they should. */
export const FIREWALL_CHECKS: readonly Check[] = checksOf("firewall", "firewall", [
  ["masquerade", "masquerade and its exemptions", OUTSIDE, judgeMasquerade, "turn"],
  ["forward-policy", "firewalls let pods pass", OUTSIDE, judgeForward, "turn"],
  ["firewalld", "firewalld knows the pods", OUTSIDE, judgeFirewalld],
  ["mss-clamp", "segments fit the tailnet", "what-it-keeps-mended", judgeMss, "turn"],
  ["foreign-chains", "no rules of another CNI", "flannel", judgeForeignChains],
  ["legacy-xtables", "one kind of tables", OUTSIDE, judgeLegacy],
]);

const RESTORE = "start the daemon, or: headcni doctor --fix";

/** Lacking sources are pods without a way out, lacking exemptions hide the address of pods. */
function judgeMasquerade({ masquerade, isMasqueraded }: FirewallSight): Finding {
  if (!masquerade) return skip("the stores cannot be read: the networks of pods are not known");
  return failOn(
    masquerade.map((text) => `lacking: nft ${text}`),
    RESTORE,
    isMasqueraded ? "table inet headcni is complete" : "off: network.ipMasq",
  );
}

function judgeForward({ forward, forwardTrouble }: FirewallSight): Finding {
  if (forward.length > 0) return failOn(forward.map((text) => `lacking: ${text}`), RESTORE, "");
  if (forwardTrouble !== "") {
    return warn(forwardTrouble, "install iptables, or make FORWARD accept");
  }
  return pass("none drops them by its policy");
}

function judgeFirewalld({ unknownToFirewalld }: FirewallSight): Finding {
  const sources = unknownToFirewalld.map((prefix) => `--add-source=${formatPrefix(prefix)}`);
  return failOn(
    unknownToFirewalld.map((prefix) => `firewalld rejects the packets of ${formatPrefix(prefix)}`),
    `firewall-cmd --permanent --zone=trusted ${sources.join(" ")} && firewall-cmd --reload`,
    "it does not run, or knows them",
  );
}

function judgeMss({ mss, tailnetDevice }: FirewallSight): Finding {
  return failOn(
    mss.map((text) => `lacking: nft ${text}`),
    RESTORE,
    tailnetDevice === undefined
      ? "there is no link to a tailnet"
      : `as ${tailnetDevice} takes them`,
  );
}

/** How chains of others begin: flannel, kube-router, Calico, Cilium, Weave, kilo, portmap. */
const FOREIGN = /^(FLANNEL-|KUBE-(ROUTER|POD-FW|NWPLCY)|cali-|CILIUM_|WEAVE|KILO-|CNI-)/;

function judgeForeignChains({ foreignChains }: FirewallSight): Finding {
  const found = foreignChains.filter((name) => FOREIGN.test(name));
  return warnOn(
    found.map((name) => `chain ${name}`),
    "see whether that CNI still runs; its masquerade hides the address of pods. Remove its rules, " +
      "or reboot once it is gone",
    "none",
  );
}

/** Two kinds of tables are two firewalls: what one accepts, the other can still drop. */
function judgeLegacy({ legacyTables, foreignChains }: FirewallSight): Finding {
  if (legacyTables.length === 0) return pass("no table of ip_tables is in use");
  const seen = `tables of ip_tables in use: ${legacyTables.join(", ")}`;
  return foreignChains.length === 0 ? pass(seen) : warn(
    `${seen}, beside chains of nf_tables`,
    "have all programs use one: update-alternatives --config iptables, then reboot",
  );
}
