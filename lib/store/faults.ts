/** Whether the records of a store can be read, and agree with each other. */
import * as v from "valibot";
import { formatAttachment } from "../attachment.ts";
import { errorText } from "../errors.ts";
import {
  type AddressUse,
  answerReads,
  type Block,
  BLOCK_CHILDREN,
  type BlockBits,
  changeUse,
  freeBits,
  useOf,
} from "../ipam/block.ts";
import { addOffset, type Address, formatAddress } from "../net/address.ts";
import { formatHostPort } from "../net/host_port.ts";
import { listAttachments } from "./attachments.ts";
import { listPages, listSummaries, type StoredBlock } from "./blocks.ts";
import { readCounters } from "./counters.ts";
import { isDamage } from "./failure.ts";
import { ADDRESS_PREFIX } from "./keys.ts";
import { listLeases } from "./leases.ts";
import { listNetworks } from "./networks.ts";
import { listPorts, type OwnedPort } from "./ports.ts";
import { parseRecord, storedAddress, storedKey } from "./record.ts";
import { listResting } from "./resting.ts";
import { findPerhapsTaken } from "./taken_ports.ts";
import type { StoreReader } from "./transaction.ts";

/** An address of a network. */
interface Place {
  readonly network: string;
  readonly address: Address;
}

/** An address and the text of the key of who has it. */
interface Holding extends Place {
  readonly owner: string;
}

const OwnerKey = v.tuple([v.literal("address"), v.string(), storedAddress]);

/**
 * Tells what is wrong with the content of a store, one text each: records that nobody can read,
 * addresses that two have, leases and owners that do not name each other, marks that do not fit.
 * @throws StoreError for a store that cannot be read at all.
 */
export async function findFaults(reader: StoreReader): Promise<string[]> {
  try {
    for (const list of [listAttachments, listNetworks, readCounters]) await list(reader);
    const leased = await listLeased(reader);
    const resting = await listResting(reader);
    const stored = [...await listPages(reader), ...await listSummaries(reader)];
    return [
      ...findDoubled([...leased, ...resting]),
      ...diffHoldings(leased, await listOwned(reader)),
      ...diffBlocks(stored, markBlocks(leased, resting)),
      ...await findUnmarked(reader, await listPorts(reader)),
    ];
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [errorText(error)];
  }
}

/** Host ports that another attachment could claim. */
async function findUnmarked(reader: StoreReader, owned: readonly OwnedPort[]): Promise<string[]> {
  const marked = new Set(await findPerhapsTaken(reader, owned.map(({ port }) => port)));
  return owned.filter(({ port }) => !marked.has(port)).map(({ port, owner }) =>
    `host port "${formatHostPort(port)}" is of "${
      formatAttachment(owner)
    }", but not marked as taken`
  );
}

async function listLeased(reader: StoreReader): Promise<Holding[]> {
  return (await listLeases(reader)).flatMap(({ key, addresses }) =>
    addresses.map(({ address: { address } }) => ({
      network: key.network,
      address,
      owner: formatAttachment(key),
    }))
  );
}

async function listOwned(reader: StoreReader): Promise<Holding[]> {
  return (await reader.list(ADDRESS_PREFIX)).map(({ key, value }) => {
    const [, network, address] = parseRecord(OwnerKey, key, "key of an owner");
    const owner = parseRecord(storedKey, value, `owner of ${placeText({ network, address })}`);
    return { network, address, owner: formatAttachment(owner) };
  });
}

function findDoubled(places: readonly Place[]): string[] {
  const seen = new Set<string>();
  return places.map(placeText).flatMap((text) => {
    if (seen.has(text)) return [`${text} is leased twice, or rests while it is leased`];
    seen.add(text);
    return [];
  });
}

function diffHoldings(leased: readonly Holding[], owned: readonly Holding[]): string[] {
  const text = (holding: Holding) => `${placeText(holding)} is of "${holding.owner}"`;
  const byLease = new Set(leased.map(text));
  const byOwner = new Set(owned.map(text));
  return [
    ...Array.from(byLease.difference(byOwner), (each) => `${each}: only the lease says so`),
    ...Array.from(byOwner.difference(byLease), (each) => `${each}: no lease says so`),
  ];
}

/** The blocks as they must be, by name. */
function markBlocks(leased: readonly Place[], resting: readonly Place[]): Map<string, StoredBlock> {
  const blocks = new Map<string, StoredBlock>();
  const mark = ({ network, address }: Place, use: AddressUse) => {
    const bitsOf = (block: Block) => blocks.get(blockText(network, block))?.bits;
    for (const { block, bits } of answerReads(changeUse(address, use), bitsOf)) {
      if (bits) blocks.set(blockText(network, block), { network, block, bits });
    }
  };
  for (const place of resting) mark(place, "resting");
  for (const place of leased) mark(place, "used");
  return blocks;
}

function diffBlocks(stored: readonly StoredBlock[], wanted: Map<string, StoredBlock>): string[] {
  const byName = new Map(stored.map((each) => [blockText(each.network, each.block), each]));
  return [...new Set([...byName.keys(), ...wanted.keys()])].flatMap((name) => {
    const [is, must] = [byName.get(name), wanted.get(name)];
    const any = is ?? must;
    if (!any || areEqual(is?.bits, must?.bits)) return [];
    if (any.block.level > 0) return [`${name} does not tell which blocks below it are full`];
    const free = freeBits(any.block);
    return diffPages(any, is?.bits ?? free, must?.bits ?? free);
  });
}

function diffPages({ network, block }: StoredBlock, is: BlockBits, must: BlockBits): string[] {
  return Array.from({ length: BLOCK_CHILDREN }, (_, child) => child).flatMap((child) => {
    const [marked, wanted] = [useOf(is, child), useOf(must, child)];
    if (marked === wanted) return [];
    const address = addOffset(block.first, BigInt(child));
    return [`${placeText({ network, address })} is marked as ${marked}, but is ${wanted}`];
  });
}

function areEqual(a: BlockBits | undefined, b: BlockBits | undefined): boolean {
  return a?.length === b?.length && (a?.every((byte, index) => byte === b?.[index]) ?? true);
}

function placeText({ network, address }: Place): string {
  return `${formatAddress(address)} of network "${network}"`;
}

function blockText(network: string, { level, first }: Block): string {
  const what = level === 0 ? "the page" : `the summary of level ${level}`;
  return `${what} from ${formatAddress(first)} of network "${network}"`;
}
