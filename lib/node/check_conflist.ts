/** Whether our plugin would take a list, by its own parsers. */
import { parseNetworkConfig } from "../cni/network_config.ts";
import { parseSpecVersion } from "../cni/version.ts";
import { parseSubnetFile } from "../discovery/subnet_file.ts";
import { ConfigError } from "../errors.ts";
import { parseIpamConfig } from "../ipam/config.ts";
import { parsePodNetwork } from "../pod/config.ts";
import { usesOwnIpam } from "../pod/ipam_type.ts";
import { hasMembers, planMembers } from "../pod/members.ts";
import { lacksRange, withSubnet } from "../pod/native_subnet.ts";
import { isOwnPlugin } from "../pod/own_plugin.ts";
import { isObject, showValue } from "../schema.ts";

/**
 * Reads a list as the runtime and our plugin will.
 * @throws ConfigError in the words of our plugin, or when the list does not have it once.
 */
export function checkConflist(conflist: Readonly<Record<string, unknown>>): void {
  const { name, plugins } = conflist;
  const entries = Array.isArray(plugins) ? plugins : [];
  const own = entries.filter(isObject).filter(({ type }) => isOwnPlugin(type));
  if (own.length !== 1) {
    throw new ConfigError(
      "invalid-config",
      `Cannot use list ${showValue(name)}: one entry of type "headcni" wanted, got ${own.length}`,
    );
  }
  for (const cniVersion of versionsOf(conflist)) {
    for (const entry of own) checkEntry({ ...entry, name, cniVersion });
  }
}

/** Stands for the node's subnet file, which a list does not hold: RFC 5737, RFC 3849. */
const SOME_SUBNETS = {
  HEADCNI_NETWORK: "192.0.2.0/24",
  HEADCNI_SUBNET: "192.0.2.128/25",
  HEADCNI_IPV6_NETWORK: "2001:db8::/48",
  HEADCNI_IPV6_SUBNET: "2001:db8::/64",
};

function versionsOf({ cniVersion, cniVersions }: Readonly<Record<string, unknown>>): unknown[] {
  return [cniVersion, ...Array.isArray(cniVersions) ? cniVersions : []];
}

/** @param raw what libcni sends for one plugin of a list: SPEC.md section 3. */
function checkEntry(raw: Readonly<Record<string, unknown>>): void {
  const sent = parseNetworkConfig(raw, parseSpecVersion(raw, "ADD"), "ADD");
  const subnet = parseSubnetFile(undefined, SOME_SUBNETS);
  if (hasMembers(raw)) {
    planMembers(sent, subnet);
    return;
  }
  const config = lacksRange(sent) ? withSubnet(sent, subnet) : sent;
  parsePodNetwork(config, undefined);
  if (!usesOwnIpam(config.raw)) return;
  const { name: network, ipam, runtimeConfig, cniArgs } = config;
  parseIpamConfig({ network, ipam, runtimeConfig, cniArgs, isForAnyPod: true });
}
