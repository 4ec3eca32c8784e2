import { assertEquals } from "@std/assert";
import { formatAttachment } from "../../lib/attachment.ts";
import { readUse } from "../../lib/ipam/block.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { decideOn } from "../../lib/store/blocks.ts";
import { addressKey } from "../../lib/store/keys.ts";
import { listLeases } from "../../lib/store/leases.ts";
import type { Store } from "../../lib/store/store.ts";

/**
 * Holds leases, owners of addresses and pages against each other: an address belongs to one lease,
 * is marked as used in its page, and none is marked that has no owner.
 */
export async function assertConsistent(store: Store): Promise<void> {
  await store.read(async (reader) => {
    const leased = (await listLeases(reader)).flatMap(({ key, addresses }) =>
      addresses.map(({ address: { address } }) => ({ key, address }))
    );
    assertEquals(new Set(leased.map(({ address }) => formatAddress(address))).size, leased.length);
    for (const { key, address } of leased) {
      const what = `${formatAddress(address)} of ${formatAttachment(key)}`;
      assertEquals(await reader.get(addressKey(key.network, address)), { ...key }, what);
      assertEquals(await decideOn(reader, key.network, readUse(address)), "used", what);
    }
    assertEquals((await reader.list(["address"])).length, leased.length);
    const pages = await reader.list(["page"]);
    const bytes = pages.flatMap(({ value }) => value instanceof Uint8Array ? [...value] : []);
    assertEquals(bytes.reduce((sum, byte) => sum + countOnes(byte), 0), leased.length);
  });
}

function countOnes(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}
