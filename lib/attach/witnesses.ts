/**
 * What tells of leases outside of the store: the aliases of our links, and what the runtime keeps of
 * each ADD. A store that was lost is made anew from them, so that no address gets a second owner.
 */
import { type AttachmentKey, byAttachment, formatAttachment } from "../attachment.ts";
import type { NetworkConfig } from "../cni/request.ts";
import type { CachedAttachment } from "../cni/result_cache.ts";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { formatAddress } from "../net/address.ts";
import { listAliases } from "../pod/identity.ts";
import { hasForeignIpam, usesOwnIpam } from "../pod/ipam_type.ts";
import { storeDirectory } from "../store/directory.ts";
import { haveSameAddresses, type Lease } from "../store/leases.ts";
import type { AttachContext } from "./context.ts";
import { isNetnsGone } from "./left_over.ts";
import { hasResult, readResults } from "./result_files.ts";
import { testifiedAddresses, testifiedLease, type Testimony } from "./testimony.ts";

/** A network configuration as it was sent. */
type Config = NetworkConfig["raw"];

/**
 * The leases of live attachments, as far as their traces tell. An attachment lives when its link is
 * there, when its lease can still be read and nothing proves it dead, or when the runtime knows it and
 * its namespace is not gone; of two attachments with one address the first of these keeps it. The log tells what is not brought
 * back, and who lost an address.
 * @param config of the request that found the store lost: it has the ranges of its network.
 * @param directory of the store.
 * @param salvaged leases that can still be read in a damaged store.
 * @throws KernelError or HeadcniError when links or results cannot be read: what is not known would
 * be forgotten for good.
 */
export async function recallLeases(
  config: NetworkConfig,
  context: AttachContext,
  directory: string,
  salvaged?: readonly Lease[],
): Promise<Lease[]> {
  const made = {
    bootId: context.node.bootId(),
    createdMs: context.nowMs(),
    createdUptimeMs: context.node.uptimeMs(),
    hostNetns: context.node.netns(),
  };
  const read = byAttachment(salvaged ?? []);
  const [links, results]: [Lease[], Lease[]] = [[], []];
  for (const testimony of await hear(config, context)) {
    const { key, alias } = testimony;
    const lease = read.get(formatAttachment(key));
    if (lease && !alias) continue;
    const reason = reasonToForget(testimony, config, context, directory);
    if (reason === undefined) {
      const told = testifiedLease(testimony, made);
      (alias ? links : results).push(lease && haveSameAddresses(lease, told) ? lease : told);
    } else if (!lease) log.info(`Did not bring a lease back: ${reason}`, { ...key });
  }
  for (const { key } of links) read.delete(formatAttachment(key));
  forgetDead(read, context);
  const counts = { links: links.length, file: read.size, results: results.length };
  if (salvaged) log.warn("Brought leases back by links, the damaged file and results", counts);
  return withOneOwnerEach([...links, ...read.values(), ...results]);
}

/**
 * Leaves out what can still be read, but of a pod that is gone: a DEL that a damaged page kept from
 * seeing its lease has been answered.
 */
function forgetDead(read: Map<string, Lease>, { resultsDirectory }: AttachContext): void {
  for (const { key, netns } of [...read.values()]) {
    if (!isNetnsGone(netns) || hasResult(resultsDirectory, key) !== false) continue;
    read.delete(formatAttachment(key));
    const reason = `its namespace "${netns}" is gone, and the runtime has no result of it`;
    log.info(`Did not bring a lease back: ${reason}`, { ...key });
  }
}

/** What is told of each attachment; those whose link is there come first. */
async function hear(config: NetworkConfig, context: AttachContext): Promise<Testimony[]> {
  using host = context.node.openHost();
  const aliases = listAliases(host.listLinks("host"));
  const cachedOf = byAttachment(await readResults(context.resultsDirectory));
  const linked = aliases.map((alias): Testimony => {
    const { key } = alias;
    const cached = cachedOf.get(formatAttachment(key));
    cachedOf.delete(formatAttachment(key));
    return { key, alias, cached, config: configOf(key, cached, config) };
  });
  const unlinked = Array.from(cachedOf.values(), (cached): Testimony => {
    const { key } = cached;
    return { key, alias: undefined, cached, config: configOf(key, cached, config) };
  });
  return [...linked, ...unlinked];
}

/** What an attachment got its addresses by: the plugin of its chain that asked for them, ours first. */
function configOf(
  key: AttachmentKey,
  cached: CachedAttachment | undefined,
  today: NetworkConfig,
): Config | undefined {
  const plugins = cached?.plugins ?? [];
  const foreign = isOwnToday(key, today) ? undefined : plugins.find(hasForeignIpam);
  // Without a better witness the attachments of a network are of today's configuration.
  const assumed = key.network === today.name ? today.raw : undefined;
  return plugins.find(usesOwnIpam) ?? foreign ?? assumed;
}

/**
 * True when the addresses of a network are ours by today's configuration. Whoever gave them, and in
 * which store: nobody else may get them, for the network was switched to us while its pods lived.
 */
function isOwnToday({ network }: AttachmentKey, today: NetworkConfig): boolean {
  return network === today.name && usesOwnIpam(today.raw);
}

/** Undefined for a lease of this store whose attachment lives. */
function reasonToForget(
  testimony: Testimony,
  today: NetworkConfig,
  context: AttachContext,
  directory: string,
): string | undefined {
  const { key, alias, cached, config } = testimony;
  if (config ? hasForeignIpam(config) : !alias) return "its addresses are not ours";
  if (testifiedAddresses(testimony).length === 0) return "no address of it is known";
  const netns = cached?.netns ?? "";
  if (!alias && isNetnsGone(netns)) return `its namespace "${netns}" is gone`;
  if (!config || isOwnToday(key, today)) return undefined;
  try {
    const own = storeDirectory({
      ipam: Object(config.ipam).dataDir,
      network: config.dataDir,
      environment: context.dataDirectory,
    });
    return isSameDirectory(own, directory) ? undefined : `it is in the store "${own}"`;
  } catch (error) {
    return errorText(error);
  }
}

/** Keeps the first owner of each address, which is one whose link is there, if there is such a one. */
function withOneOwnerEach(leases: readonly Lease[]): Lease[] {
  const owners = new Map<string, AttachmentKey>();
  return leases.flatMap((lease) => {
    const addresses = lease.addresses.filter(({ address: { address } }) => {
      const name = `${formatAddress(address)} of network "${lease.key.network}"`;
      const owner = owners.get(name);
      if (!owner) owners.set(name, lease.key);
      else log.error(doubledText(name, owner, lease.key));
      return !owner;
    });
    return addresses.length > 0 ? { ...lease, addresses } : [];
  });
}

function doubledText(address: string, owner: AttachmentKey, loser: AttachmentKey): string {
  return `Cannot give ${address} back to "${formatAttachment(loser)}": ` +
    `"${formatAttachment(owner)}" has it too and keeps it; one of these pods must be started anew`;
}

function isSameDirectory(one: string, other: string): boolean {
  return realPathIfAny(one) === realPathIfAny(other);
}

function realPathIfAny(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}
