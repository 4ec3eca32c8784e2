/**
 * What tells of leases outside of the store: the aliases of our links, and what the runtime keeps of
 * each ADD. A store that was lost is made anew from them, so that no address gets a second owner.
 */
import { type AttachmentKey, byAttachment, formatAttachment } from "../attachment.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { formatAddress } from "../net/address.ts";
import { listAliases } from "../pod/identity.ts";
import { hasForeignIpam, usesOwnIpam } from "../pod/ipam_type.ts";
import { storeDirectory } from "../store/directory.ts";
import type { Lease } from "../store/leases.ts";
import type { AttachContext } from "./context.ts";
import { isNetnsGone } from "./left_over.ts";
import { readResults } from "./result_files.ts";
import { testifiedAddresses, testifiedLease, type Testimony } from "./testimony.ts";

/** A network configuration as it was sent. */
type Config = NetworkConfig["raw"];

/**
 * The leases of live attachments, as far as their traces tell. An attachment lives when its link is
 * there, or when the runtime knows it and its namespace is not gone. The log tells what is not
 * brought back, and of two attachments with one address which one lost it.
 * @param config of the request that found the store lost: it has the ranges of its network.
 * @param directory of the store.
 * @throws KernelError or HeadcniError when links or results cannot be read: what is not known would
 * be forgotten for good.
 */
export async function recallLeases(
  config: NetworkConfig,
  context: AttachContext,
  directory: string,
): Promise<Lease[]> {
  const made = {
    bootId: context.node.bootId(),
    createdMs: context.nowMs(),
    createdUptimeMs: context.node.uptimeMs(),
    hostNetns: context.node.netns(),
  };
  const ours = (await hear(config, context)).filter((testimony) => !isForeign(testimony));
  const leases = ours.flatMap((testimony) => {
    const reason = reasonToForget(testimony, context, directory);
    if (reason === undefined) return testifiedLease(testimony, made);
    log.info(`Did not bring a lease back: ${reason}`, { ...testimony.key });
    return [];
  });
  return withOneOwnerEach(leases);
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
    // Without a better witness the attachments of a network are of today's configuration.
    const today = key.network === config.name ? config.raw : undefined;
    return { key, alias, cached, config: addressing(cached?.plugins) ?? today };
  });
  const unlinked = Array.from(cachedOf.values(), (cached): Testimony => {
    const { key, plugins } = cached;
    return { key, alias: undefined, cached, config: addressing(plugins) };
  });
  return [...linked, ...unlinked];
}

/** The plugin of a chain that asked for addresses: ours before others. */
function addressing(plugins: readonly Config[] = []): Config | undefined {
  return plugins.find(usesOwnIpam) ?? plugins.find(hasForeignIpam);
}

/** True when nothing says that the addresses are ours. */
function isForeign({ alias, config }: Testimony): boolean {
  return config ? hasForeignIpam(config) : alias === undefined;
}

/** Undefined for a lease of this store whose attachment lives. */
function reasonToForget(
  testimony: Testimony,
  context: AttachContext,
  directory: string,
): string | undefined {
  const { alias, cached, config } = testimony;
  if (testifiedAddresses(testimony).length === 0) return "no address of it is known";
  const netns = cached?.netns ?? "";
  if (!alias && isNetnsGone(netns)) return `its namespace "${netns}" is gone`;
  if (!config) return undefined;
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
