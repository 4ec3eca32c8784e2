/** Whether settings that are good each by itself are good together. */
import { type Address, FAMILIES, type Family, formatAddress } from "../../net/address.ts";
import { containsAddress, formatPrefix, overlaps, type Prefix } from "../../net/prefix.ts";
import { type Fault, formatOrigin } from "./given.ts";
import type { Origin, Settings } from "./settings.ts";

/** Least MTU of IPv6 in bytes: RFC 8200 section 5. */
const MIN_IPV6_MTU = 1280;

const PER_NODE = "network.podCIDR.perNode";

/** A setting that would have to change, and why. */
type Contradiction = readonly [key: string, text: string];

/** What contradicts itself: one fault each. */
export function agreementFaults(
  settings: Settings,
  origins: ReadonlyMap<string, Origin>,
): Fault[] {
  const originOf = (key: string) => origins.get(key) ?? { from: "default" };
  // A default that nobody needs contradicts nothing.
  const isSizeUsed = settings.network.podCIDR.allowComputed !== "none" ||
    originOf(PER_NODE).from !== "default";
  const contradictions = FAMILIES.flatMap((family) => contradictionsOf(settings, family))
    .filter(([key]) => key !== PER_NODE || isSizeUsed);
  return contradictions.map(([key, text]) => ({
    where: formatOrigin(originOf(key)),
    key,
    text,
  }));
}

/** What works, but not as its writer may think: one text each. */
export function agreementWarnings({ network, monitoring, ...rest }: Settings): string[] {
  const { nodeLocal = [], base = [] } = network.podCIDR;
  const hasIpv6 = [...nodeLocal, ...base].some(({ address }) => address.family === 6);
  const warnings: string[] = [];
  if (network.enableNetworkPolicy) {
    warnings.push("network.enableNetworkPolicy: this release enforces no NetworkPolicy");
  }
  if (network.enableIPv6 && hasIpv6 && (network.mtu ?? MIN_IPV6_MTU) < MIN_IPV6_MTU) {
    warnings.push(
      `network.mtu: IPv6 needs ${MIN_IPV6_MTU} bytes; with ${network.mtu} pods have none`,
    );
  }
  if (monitoring.enabled && !isLoopback(monitoring.address)) {
    const address = formatAddress(monitoring.address);
    warnings.push(
      `monitoring.address: whoever reaches ${address} reads health and metrics without a password`,
    );
  }
  if (rest.logging.output === "none" && !rest.logging.file.path) {
    warnings.push("logging.output: nothing is logged, for logging.file.path names no file");
  }
  return warnings;
}

function contradictionsOf({ network }: Settings, family: Family): Contradiction[] {
  const { nodeLocal, base, perNode } = network.podCIDR;
  const [local, cluster, service] = [nodeLocal, base, network.serviceCIDR].map((prefixes) =>
    prefixes?.find(({ address }) => address.family === family)
  );
  const found: Contradiction[] = [];
  if (local && cluster && !isInside(local, cluster)) {
    found.push([
      "network.podCIDR.nodeLocal",
      `a part of ${formatPrefix(cluster)} (network.podCIDR.base) wanted, got ${
        formatPrefix(local)
      }`,
    ]);
  }
  if (cluster && perNode[family] < cluster.length) {
    found.push([
      PER_NODE,
      `a part of ${formatPrefix(cluster)} (network.podCIDR.base) wanted, got /${perNode[family]}`,
    ]);
  }
  const pods = [local, cluster].find((prefix) => prefix && service && overlaps(prefix, service));
  if (pods && service) {
    found.push([
      "network.serviceCIDR",
      `a network apart from that of pods, ${formatPrefix(pods)}, wanted, got ${
        formatPrefix(service)
      }`,
    ]);
  }
  return found;
}

function isInside(inner: Prefix, outer: Prefix): boolean {
  return inner.length >= outer.length && containsAddress(outer, inner.address);
}

/** RFC 1122 section 3.2.1.3 and RFC 4291 section 2.5.3. */
function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}
