/** What older systems had in this file and nobody reads any more: taken, and told where it went. */

/** Keys of the chart that a user may paste together with its `config`. */
const OF_THE_CHART = "belongs to the chart; the daemon does not read it";

const RETIRED: ReadonlyMap<string, string> = new Map([
  ["daemon.hostNetwork", "does nothing: the daemon always works in the network of its node"],
  ["dns.custom", "does nothing: give name servers in dns.magicDNS"],
  ["ipam.subnets", "does nothing: the node's pod network is network.podCIDR.nodeLocal"],
  ["tailscale.overrideLocalDNS", "does nothing: see tailscale.acceptDNS"],
  ["security.tls", "does nothing: the daemon listens on its socket and on monitoring.address"],
  ["security.auth", "does nothing: the daemon listens on its socket and on monitoring.address"],
  ["security.networkPolicy", "does nothing: see network.enableNetworkPolicy"],
  ["performance", "does nothing: there is no pool, cache or limit to set"],
  ["network.advancedPermissions", "does nothing: the daemon uses what its account may do"],
  ["advancedPermissions", "does nothing: the daemon uses what its account may do"],
  ["image", OF_THE_CHART],
  ["serviceAccount", OF_THE_CHART],
  ["resources", OF_THE_CHART],
  ["nodeSelector", OF_THE_CHART],
  ["tolerations", OF_THE_CHART],
  ["priorityClassName", OF_THE_CHART],
]);

/** Keys with what became of them. Whatever lies below such a key is retired with it. */
export const RETIRED_KEYS: readonly string[] = [...RETIRED.keys()];

/** What became of a key of older systems; undefined for any other. */
export function retiredNote(key: string): string | undefined {
  return RETIRED.get(key);
}
