/** A lease as a value of JSON: how the store keeps it below its key, and an export beside that. */
import * as v from "valibot";
import { formatAddress, tryParseAddress } from "../net/address.ts";
import { formatPrefix, tryParsePrefix } from "../net/prefix.ts";
import { parsedText } from "../schema.ts";
import type { Lease } from "./leases.ts";
import { storedPod } from "./record.ts";

/** A lease without its key; its members mean what those of {@linkcode Lease} mean. */
export interface LeaseRecord extends Omit<Lease, "key" | "addresses"> {
  readonly addresses: readonly {
    /** With the prefix length of its subnet. */
    readonly address: string;
    readonly gateway?: string;
  }[];
}

/** Reads a {@linkcode LeaseRecord}: a lease without its key. */
export const storedLease = v.object({
  pool: v.string(),
  addresses: v.array(v.pipe(
    v.object({
      address: parsedText(tryParsePrefix, "an IP prefix"),
      gateway: v.optional(parsedText(tryParseAddress, "an IP address")),
    }),
    v.transform(({ address, gateway }) => ({ address, gateway })),
  )),
  pod: storedPod,
  netns: v.string(),
  bootId: v.string(),
  createdMs: v.number(),
  createdUptimeMs: v.number(),
  hostNetns: v.string(),
  restMs: v.number(),
});

/** The lease as {@linkcode storedLease} reads it. */
export function toLeaseRecord({ key: _key, addresses, ...rest }: Lease): LeaseRecord {
  return {
    ...rest,
    addresses: addresses.map(({ address, gateway }) => ({
      address: formatPrefix(address),
      ...gateway && { gateway: formatAddress(gateway) },
    })),
  };
}
