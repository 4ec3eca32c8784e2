/** A node's share of the cluster's networks, from its name alone. */
import type { PerNodeLengths } from "../discovery/node_file.ts";
import { fnv1a64 } from "../fnv1a64.ts";
import { type Family, FAMILY_BITS } from "../net/address.ts";
import { formatPrefix, type Prefix } from "../net/prefix.ts";

/** CIDRs, or why there are none. */
export type PodCidrFinding = { readonly cidrs: readonly Prefix[] } | { readonly fault: string };

/** The defaults of kube-controller-manager: `--node-cidr-mask-size-ipv4` and `-ipv6`. */
export const DEFAULT_PER_NODE_LENGTHS: Readonly<Record<Family, number>> = { 4: 24, 6: 64 };

/**
 * The share whose number is a hash of the name. Always the same for a name, but two names may get
 * the same: with 20 nodes and 256 shares that is likelier than not. So only by opt-in.
 * @param clusterCidrs of each family the first counts.
 */
export function computePodCidrs(
  nodeName: string,
  clusterCidrs: readonly Prefix[],
  perNodeLengths: PerNodeLengths,
): PodCidrFinding {
  if (nodeName === "") return { fault: "the name of the node is not known" };
  const hash = fnv1a64(nodeName);
  // The low bits of FNV-1a alone are weak: draft-eastlake-fnv folds the high ones in.
  return sharesOf(clusterCidrs, perNodeLengths, hash ^ (hash >> 32n));
}

/**
 * The first share, for a cluster of one node.
 * @param clusterCidrs of each family the first counts.
 */
export function firstPodCidrs(
  clusterCidrs: readonly Prefix[],
  perNodeLengths: PerNodeLengths,
): PodCidrFinding {
  return sharesOf(clusterCidrs, perNodeLengths, 0n);
}

/** The share of that number, of which as many low bits count as there are shares. */
function sharesOf(
  clusterCidrs: readonly Prefix[],
  perNodeLengths: PerNodeLengths,
  number: bigint,
): PodCidrFinding {
  if (clusterCidrs.length === 0) {
    return { fault: "the cluster's CIDR is not known; set network.podCIDR.base" };
  }
  const bases = clusterCidrs.filter(({ address: { family } }, index) =>
    clusterCidrs.findIndex(({ address }) => address.family === family) === index
  );
  const lengths = { ...DEFAULT_PER_NODE_LENGTHS, ...perNodeLengths };
  const lengthFor = ({ address }: Prefix) => lengths[address.family];
  const small = bases.find((base) =>
    lengthFor(base) <= base.length || lengthFor(base) > FAMILY_BITS[base.address.family]
  );
  if (small) {
    return {
      fault:
        `a node's /${lengthFor(small)} is no part of the cluster's "${formatPrefix(small)}"; ` +
        `set network.podCIDR.perNode`,
    };
  }
  return { cidrs: bases.map((base) => shareOf(base, lengthFor(base), number)) };
}

function shareOf(base: Prefix, length: number, number: bigint): Prefix {
  const { family, value } = base.address;
  const shift = BigInt(FAMILY_BITS[family] - length);
  const offset = BigInt.asUintN(length - base.length, number) << shift;
  return { address: { family, value: value + offset }, length };
}
