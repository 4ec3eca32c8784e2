/** Everything in a store as one JSON document, and back. */
import * as v from "valibot";
import {
  type Address,
  distinctAddresses,
  formatAddress,
  tryParseAddress,
} from "../../../lib/net/address.ts";
import { linkNameFault } from "../../../lib/net/link.ts";
import { parsedText } from "../../../lib/schema.ts";
import { readCounters } from "../../../lib/store/counters.ts";
import { listCursors } from "../../../lib/store/cursors.ts";
import { storedLease } from "../../../lib/store/lease_record.ts";
import { type Lease, listLeases } from "../../../lib/store/leases.ts";
import { listNetworks } from "../../../lib/store/networks.ts";
import { listResting, storedRest } from "../../../lib/store/resting.ts";
import { listSticky } from "../../../lib/store/sticky.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";
import { VERSION } from "../../../lib/version.ts";
import { readJsonFile } from "./json_file.ts";
import { compareLeases, viewLease } from "./lease_view.ts";
import { nameFault } from "./name_fault.ts";
import type { Restorable } from "./restore.ts";

/** Version of the document; it stays the same when members are added. */
const FORMAT = 1;

const text = v.pipe(v.string(), v.nonEmpty("a text wanted that is not empty"));
const address = parsedText(tryParseAddress, "an IP address");

/** What DEL would refuse could never be released. */
const name = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const fault = dataset.typed ? nameFault(dataset.value) : undefined;
    if (fault !== undefined) addIssue({ message: fault });
  }),
);
const attachment = {
  network: name,
  containerId: name,
  ifname: v.pipe(
    v.string(),
    v.check((ifname) => linkNameFault(ifname) === undefined, "an interface name wanted"),
  ),
};

const ExportedLease = v.object({
  ...attachment,
  ...storedLease.entries,
  addresses: v.pipe(
    storedLease.entries.addresses,
    v.minLength(1, "an address wanted"),
    v.rawCheck(({ dataset, addIssue }) => {
      const doubled = dataset.typed ? findDoubled(dataset.value) : undefined;
      if (doubled) {
        addIssue({ message: "each address once wanted", input: formatAddress(doubled) });
      }
    }),
  ),
});

/** What is read of a document; the rest of it is for people. */
export const ExportDocument = v.object({
  format: v.literal(FORMAT),
  leases: v.array(ExportedLease),
  networks: v.array(v.object({ network: name, ipam: v.unknown() })),
  cursors: v.array(v.object({
    network: name,
    pool: text,
    rangeSet: v.pipe(v.number(), v.integer(), v.minValue(0)),
    address,
  })),
  resting: v.array(v.object({
    ...storedRest.entries,
    last: v.object({ ...storedRest.entries.last.entries, key: v.object(attachment) }),
    network: name,
    address,
    untilUptimeMs: v.number(),
  })),
  sticky: v.array(v.object({
    ...{ network: name, namespace: text, name: text, ifname: attachment.ifname },
    addresses: v.array(address),
  })),
});

/**
 * All of a store but the records of attachments, for JSON.
 * @param nowMs wall clock in milliseconds since 1970.
 */
export async function exportStore(
  reader: StoreReader,
  store: string,
  nowMs: number,
): Promise<Readonly<Record<string, unknown>>> {
  const withText = <T extends { address: Address }>(value: T) => ({
    ...value,
    address: formatAddress(value.address),
  });
  return {
    format: FORMAT,
    release: VERSION,
    store,
    exportedMs: nowMs,
    networks: await listNetworks(reader),
    leases: (await listLeases(reader)).sort(compareLeases).map(viewLease),
    resting: (await listResting(reader)).map(withText),
    cursors: (await listCursors(reader)).map(withText),
    sticky: (await listSticky(reader)).map(({ addresses, ...pod }) => ({
      ...pod,
      addresses: addresses.map(formatAddress),
    })),
    counters: (await readCounters(reader)).map(({ value, ...counter }) => ({
      ...counter,
      value: Number(value),
    })),
  };
}

/**
 * Reads a document of {@linkcode exportStore}.
 * @param path of the file, or `-` for standard input.
 * @throws ConfigError that names the file and every fault with its place.
 */
export function readExport(path: string): Restorable {
  return toRestorable(readJsonFile(path, ExportDocument));
}

/** What a document can bring into a store. */
export function toRestorable(document: v.InferOutput<typeof ExportDocument>): Restorable {
  const { leases, format: _format, ...others } = document;
  return { leases: leases.map(toLease), ...others };
}

function toLease(exported: v.InferOutput<typeof ExportedLease>): Lease {
  const { network, containerId, ifname, ...rest } = exported;
  return { key: { network, containerId, ifname }, ...rest };
}

function findDoubled(addresses: Lease["addresses"]): Address | undefined {
  const bare = addresses.map(({ address: { address } }) => address);
  const distinct = distinctAddresses(bare);
  return bare.find((address, index) => address !== distinct[index]);
}
