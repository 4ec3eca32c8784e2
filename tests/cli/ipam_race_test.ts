/** Many processes of the shipped `headcni-ipam` at once on one store, again and again. */
import { assert, assertEquals } from "@std/assert";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { testUnless } from "../fakes/test_unless.ts";
import {
  addressesOf,
  answerOf,
  bare,
  type IpamCall,
  IpamNode,
  type LeasedAddresses,
  leasedAddresses,
} from "./ipam_node.ts";
import { missingProgram } from "./shipped.ts";

/** Processes at once: enough for Deno KV without a lock to fail every time. */
const PROCESSES = 64;
const ROUNDS = 3;

/**
 * 96 addresses of IPv4 for the 64 containers of a wave and the 32 before them: from the second
 * round on there is none but those that rest.
 */
const CONFIG = {
  cniVersion: "1.0.0",
  name: "pods",
  ipam: {
    ranges: [
      [{ subnet: "10.0.0.0/24", rangeStart: "10.0.0.10", rangeEnd: "10.0.0.105" }],
      [{ subnet: "fd00::/64" }],
    ],
  },
};

testUnless(
  missingProgram(),
  "headcni-ipam: 64 processes at once, in waves of ADD, of DEL beside ADD, of CHECK, of DEL",
  async () => {
    await using node = await IpamNode.make();
    for (let round = 0; round < ROUNDS; round++) {
      const ids = Array.from({ length: PROCESSES }, (_, index) => `r${round}c${index}`);
      const leased = await wave(node, ids.map((id) => ["ADD", id]));
      await assertLeased(node, leased);

      const [leaving, staying] = halves(ids);
      const coming = leaving.map((id) => `${id}-next`);
      const added = await wave(node, [
        ...leaving.map((id): Step => ["DEL", id]),
        ...coming.map((id): Step => ["ADD", id]),
      ]);
      const kept = Object.fromEntries(staying.map((id) => [id, leased[id] ?? []]));
      await assertLeased(node, { ...kept, ...added });

      await wave(node, [...staying, ...coming].map((id) => ["CHECK", id]));
      await wave(node, [...staying, ...coming].map((id) => ["DEL", id]));
      await assertLeased(node, {});
    }
  },
);

type Step = readonly [verb: IpamCall["verb"], containerId: string];

/**
 * Makes all calls at once: none fails, as one would that waited for the lock too long. Answers the
 * addresses of those who were added.
 */
async function wave(node: IpamNode, steps: readonly Step[]): Promise<LeasedAddresses> {
  const entries = await Promise.all(steps.map(async ([verb, containerId]) => {
    const outcome = await node.call({ verb, containerId, config: CONFIG });
    const { code, stderr, stdout } = outcome;
    assertEquals({ code, stderr }, { code: 0, stderr: "" }, `${verb} ${containerId}: ${stdout}`);
    return [containerId, addressesOf(answerOf(outcome)).map(bare)] as const;
  }));
  return Object.fromEntries(entries.filter(([, addresses]) => addresses.length > 0));
}

/** Fails unless these and nobody else have leases, and no address belongs to two. */
async function assertLeased(node: IpamNode, wanted: LeasedAddresses): Promise<void> {
  await using store = await node.openStore();
  await assertConsistent(store);
  assertEquals(sorted(await leasedAddresses(store)), sorted(wanted));
  const addresses = Object.values(wanted).flat();
  assertEquals(new Set(addresses).size, addresses.length);
  for (const [id, both] of Object.entries(wanted)) assert(both.length === 2, id);
}

function sorted(leases: LeasedAddresses): [string, readonly string[]][] {
  return Object.entries(leases).sort(([a], [b]) => a < b ? -1 : 1);
}

function halves<T>(values: readonly T[]): [T[], T[]] {
  const middle = values.length / 2;
  return [values.slice(0, middle), values.slice(middle)];
}
