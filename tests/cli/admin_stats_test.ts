/** `headcni ipam stats` of a large node: it must not look at leases. */
import { assert, assertEquals } from "@std/assert";
import { readStoreStats } from "../../commands/admin/ipam/read_stats.ts";
import { addOffset, parseAddress } from "../../lib/net/address.ts";
import { addressKey, blockKey, leaseKey } from "../../lib/store/keys.ts";
import { stageNetwork } from "../../lib/store/networks.ts";
import type { Store } from "../../lib/store/store.ts";
import type { StoreReader } from "../../lib/store/transaction.ts";
import { AddressMap } from "../fakes/address_map.ts";
import { AdminNode } from "./admin_node.ts";

const LEASES = 60_000;
/** Deno KV takes 1,000 changes in a commit: a lease and its owner each. */
const LEASES_PER_COMMIT = 500;

Deno.test("headcni ipam stats: 60,000 leases are counted without reading one", async () => {
  await using node = await AdminNode.make();
  {
    await using store = await node.openStore();
    await fill(store);
    const asked: string[] = [];
    const stats = await store.read((reader) => readStoreStats(watch(reader, asked), "store"));
    const [pool] = stats.pools;
    assertEquals([pool?.total_ips, pool?.allocated_ips], [65_533, LEASES]);
    assertEquals([pool?.available_ips, pool?.next_ip], [5_533, "10.1.234.98"]);
    assertEquals([...new Set(asked)].sort(), ["counter", "cursor", "network", "page", "summary"]);
    // 15 full pages and one in part, in one list; the next address takes a look at a few more.
    assert(asked.length < 10, asked.join());
  }
  const begin = performance.now();
  const { code, stdout } = await node.run("ipam", "stats", "-o", "json");
  console.log(`stats of ${LEASES} leases: ${Math.round(performance.now() - begin)} ms`);
  assertEquals([code, JSON.parse(stdout).node.allocated_ips], [0, LEASES]);
});

/** Gives the first addresses of 10.1.0.0/16 away, in few commits. */
async function fill(store: Store): Promise<void> {
  const map = new AddressMap();
  const first = parseAddress("10.1.0.2");
  for (let at = 0; at < LEASES; at += LEASES_PER_COMMIT) {
    await store.write((tx) => {
      for (let index = at; index < at + LEASES_PER_COMMIT; index++) {
        const key = { network: "pods", containerId: `c${index}`, ifname: "eth0" };
        const address = addOffset(first, BigInt(index));
        // Whoever looks at it fails.
        tx.set(leaseKey(key), "no lease");
        tx.set(addressKey("pods", address), "no owner");
        map.mark(address, "used");
      }
    });
  }
  await store.write((tx) => {
    for (const { block, bits } of map.stored) {
      tx.set(blockKey("pods", block), new Uint8Array(bits.buffer));
    }
    stageNetwork(tx, { network: "pods", ipam: { subnet: "10.1.0.0/16" } }, undefined);
  });
}

/** The reader, which tells the kinds of keys that it is asked for. */
function watch(reader: StoreReader, asked: string[]): StoreReader {
  const note = (key: Deno.KvKey) => asked.push(String(key[0]));
  return {
    get(key) {
      note(key);
      return reader.get(key);
    },
    getMany(keys) {
      keys.forEach(note);
      return reader.getMany(keys);
    },
    list(prefix, options) {
      note(prefix);
      return reader.list(prefix, options);
    },
  };
}
