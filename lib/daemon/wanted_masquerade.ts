/** Which packets of this node's pods leave under the node's address: of all networks at once. */
import { byAttachment, formatAttachment } from "../attachment.ts";
import { parseNetworkConfig } from "../cni/network_config.ts";
import { parsePools } from "../ipam/pool.ts";
import type { Address } from "../net/address.ts";
import {
  containsPrefix,
  distinctPrefixes,
  hostPrefix,
  networkOf,
  type Prefix,
} from "../net/prefix.ts";
import { type Masquerade, TAILNET_PREFIXES } from "../nft/masquerade.ts";
import { parsePodNetwork, type PodNetwork } from "../pod/config.ts";
import type { AttachmentAlias } from "../pod/identity.ts";
import { planMasquerade } from "../pod/plan.ts";
import type { Attachment } from "../store/attachments.ts";
import type { Lease } from "../store/leases.ts";
import type { UpkeepWant } from "./upkeep.ts";

/** What is known of the pods of a node. */
export interface NodePods {
  readonly leases: readonly Lease[];
  readonly attachments: readonly Attachment[];
  readonly aliases: readonly AttachmentAlias[];
}

/** What is wanted of a network, and the networks that its pods are in. */
interface NetworkMasquerade {
  readonly isMasqueraded: boolean;
  readonly exempt: readonly Prefix[];
  readonly subnets: readonly Prefix[];
}

/**
 * Our own network as it is configured now, also for pods of an earlier PodCIDR; others as their pods
 * were added. Where only the address of a pod is known, for another plugin gave it, that stands alone.
 */
export function wantedMasquerade(want: UpkeepWant, pods: NodePods): Masquerade {
  const latest = latestByNetwork(pods.attachments);
  const networks = new Map<string, NetworkMasquerade>();
  const of = (name: string): NetworkMasquerade => {
    const known = networks.get(name) ??
      (name === want.network ? ownMasquerade(want) : otherMasquerade(latest.get(name)));
    networks.set(name, known);
    return known;
  };
  const leased = byAttachment(pods.leases);
  const unleased = pods.aliases.filter(({ key }) => !leased.has(formatAttachment(key)));
  const prefixes = [
    ...pods.leases.map(({ key, addresses }) => ({
      key,
      prefixes: addresses.map(({ address }) => networkOf(address)),
    })),
    ...unleased.map(({ key, addresses }) => ({ key, prefixes: addresses.map(hostPrefix) })),
  ];
  const sources = prefixes.filter(({ key }) => of(key.network).isMasqueraded)
    .flatMap(({ prefixes }) => prefixes);
  const all = [of(want.network), ...[...latest.keys()].map(of)];
  return {
    sources: [
      ...sources,
      ...all.filter(({ isMasqueraded }) => isMasqueraded).flatMap(({ subnets }) => subnets),
    ],
    exempt: all.flatMap(({ exempt }) => exempt),
  };
}

/** The networks of this node's pods: those of today, and those of earlier that pods still have. */
export function localNetworks(
  { network, podCidrs }: Pick<UpkeepWant, "network" | "podCidrs">,
  { leases, aliases }: NodePods,
): Prefix[] {
  const leased = byAttachment(leases);
  const others = [
    ...leases.filter(({ key }) => key.network === network)
      .flatMap(({ addresses }) => addresses.map(({ address }) => networkOf(address))),
    ...aliases.filter(({ key }) => key.network === network && !leased.has(formatAttachment(key)))
      .flatMap(({ addresses }) => addresses.map(hostPrefix)),
  ];
  const today = podCidrs.map(networkOf);
  const earlier = others.filter((prefix) => !today.some((cidr) => containsPrefix(cidr, prefix)));
  return distinctPrefixes([...today, ...earlier]);
}

/** Every address of a pod on this node. */
export function podAddresses({ leases, aliases }: NodePods): Address[] {
  return [
    ...leases.flatMap(({ addresses }) => addresses.map(({ address }) => address.address)),
    ...aliases.flatMap(({ addresses }) => addresses),
  ];
}

function ownMasquerade(want: UpkeepWant): NetworkMasquerade {
  const { podCidrs, clusterCidrs, serviceCidrs, remotePodCidrs, ipMasq, ipMasqTailnet } = want;
  return {
    isMasqueraded: ipMasq,
    exempt: [
      ...[...podCidrs, ...clusterCidrs, ...serviceCidrs, ...remotePodCidrs].map(networkOf),
      ...ipMasqTailnet ? [] : TAILNET_PREFIXES,
    ],
    subnets: podCidrs.map(networkOf),
  };
}

function otherMasquerade(attachment: Attachment | undefined): NetworkMasquerade {
  const network = attachment && networkOfAttachment(attachment);
  // Where nothing can be read, what was masqueraded stays so.
  if (!attachment || !network) return { isMasqueraded: true, exempt: [], subnets: [] };
  const masquerade = planMasquerade(network, subnetsOf(attachment));
  if (!masquerade) return { isMasqueraded: false, exempt: [], subnets: [] };
  return { isMasqueraded: true, exempt: masquerade.exempt, subnets: masquerade.sources };
}

function networkOfAttachment(attachment: Attachment): PodNetwork | undefined {
  try {
    const raw = nativeConfig(attachment);
    return parsePodNetwork(parseNetworkConfig(raw, "1.1.0", "DEL"), undefined);
  } catch {
    return undefined;
  }
}

/** What another IPAM plugin gives addresses of, as far as it is configured as ours would be. */
function subnetsOf(attachment: Attachment): Prefix[] {
  try {
    const pools = parsePools(attachment.key.network, nativeConfig(attachment).ipam);
    return pools.flatMap(({ rangeSets }) => rangeSets.flat().map(({ subnet }) => subnet));
  } catch {
    return [];
  }
}

function nativeConfig({ members, config }: Attachment): Readonly<Record<string, unknown>> {
  return members?.find(({ kind }) => kind === "native")?.config ?? Object(config);
}

/** The attachment of each network that was made last. */
function latestByNetwork(attachments: readonly Attachment[]): Map<string, Attachment> {
  const latest = new Map<string, Attachment>();
  for (const attachment of attachments) {
    const { network } = attachment.key;
    if ((latest.get(network)?.createdMs ?? 0) <= attachment.createdMs) {
      latest.set(network, attachment);
    }
  }
  return latest;
}
