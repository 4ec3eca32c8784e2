/** The lease that the traces of an attachment tell of. */
import type { AttachmentKey, PodReference } from "../attachment.ts";
import type { NetworkConfig } from "../cni/request.ts";
import type { CachedAttachment } from "../cni/result_cache.ts";
import type { AllocatedAddress } from "../ipam/allocate.ts";
import { type AddressPool, DEFAULT_POOL, parsePools } from "../ipam/pool.ts";
import { type AddressRange, isInRange } from "../ipam/range.ts";
import { type IpamSection, parseSection } from "../ipam/section.ts";
import { type Address, distinctAddresses, equalAddresses } from "../net/address.ts";
import { hostPrefix } from "../net/prefix.ts";
import type { AttachmentAlias } from "../pod/identity.ts";
import type { Lease } from "../store/leases.ts";
import { restMsOf } from "../store/sticky.ts";

/** What is known of one attachment outside of the store: its link, or the runtime, tells of it. */
export interface Testimony {
  readonly key: AttachmentKey;
  /** Present when its link is there. */
  readonly alias: AttachmentAlias | undefined;
  /** Present when the runtime knows it. */
  readonly cached: CachedAttachment | undefined;
  /** The configuration by which it got its addresses, where one is known. */
  readonly config: NetworkConfig["raw"] | undefined;
}

/** The addresses of an attachment: those of its link are its own, a result may have others' too. */
export function testifiedAddresses({ alias, cached }: Testimony): Address[] {
  const cachedAddresses = cached?.ips.map(({ address }) => address.address) ?? [];
  return distinctAddresses(alias && alias.addresses.length > 0 ? alias.addresses : cachedAddresses);
}

/**
 * The lease as it was, as far as is known: prefix length and gateway are those of the result, else
 * of the range that has the address, else the address stands for itself.
 * @param made when: a lease that was brought back counts as new.
 */
export function testifiedLease(
  testimony: Testimony,
  made: Pick<Lease, "bootId" | "createdMs" | "createdUptimeMs" | "hostNetns">,
): Lease {
  const { key, alias, cached, config } = testimony;
  const pools = knownPools(key.network, config);
  const addresses = testifiedAddresses(testimony);
  const pool = pools.find((pool) => addresses.some((address) => findRange([pool], address)));
  const pod = { ...parsePod(alias?.pod), ...cached?.pod };
  return {
    key,
    pool: pool?.name ?? DEFAULT_POOL,
    addresses: addresses.map((address) =>
      findCached(cached, address) ?? ofRange(findRange(pools, address), address)
    ),
    pod,
    netns: cached?.netns ?? "",
    restMs: restMsOf(pod, knownSection(config?.ipam)),
    ...made,
  };
}

function findCached(
  cached: CachedAttachment | undefined,
  address: Address,
): AllocatedAddress | undefined {
  const ip = cached?.ips.find((ip) => equalAddresses(ip.address.address, address));
  return ip && { address: ip.address, gateway: ip.gateway };
}

function findRange(pools: readonly AddressPool[], address: Address): AddressRange | undefined {
  const ranges = pools.flatMap(({ rangeSets }) => rangeSets.flat());
  return ranges.find((range) => isInRange(range, address));
}

function ofRange(range: AddressRange | undefined, address: Address): AllocatedAddress {
  if (!range) return { address: hostPrefix(address), gateway: undefined };
  return { address: { address, length: range.subnet.length }, gateway: range.gateway };
}

/** No pools when the configuration has faults: the addresses are known all the same. */
function knownPools(network: string, config: Testimony["config"]): AddressPool[] {
  try {
    return config ? parsePools(network, config.ipam) : [];
  } catch {
    return [];
  }
}

/** The defaults where no configuration is known, or only one that has faults. */
function knownSection(ipam: unknown = {}): IpamSection {
  try {
    return parseSection(ipam, "ipam");
  } catch {
    return parseSection({}, "ipam");
  }
}

/** `namespace/name`, as an alias has it. */
function parsePod(text = ""): PodReference {
  const [namespace, name] = text.split("/");
  return { ...namespace && { namespace }, ...name && { name } };
}
