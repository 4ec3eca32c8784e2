import { assertEquals } from "@std/assert";
import { keyOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import type { PodReference } from "../attachment.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { hostPrefix } from "../net/prefix.ts";
import {
  findTaken,
  forgetSticky,
  listSticky,
  parseSticky,
  restMsOf,
  restoreSticky,
  stageSticky,
  stickyKeyOf,
} from "./sticky.ts";

/** A pod that has an address, by its interface `eth0` unless told otherwise; undefined for none. */
type Owner = PodReference & { readonly ifname?: string } | undefined;

const DB = { namespace: "default", name: "db-0" };
/** What the store remembers of it. */
const KEPT = {
  network: "pods",
  ...DB,
  ifname: "eth0",
  addresses: ["10.0.0.2", "10.0.0.3"].map(parseAddress),
};

const PODS: readonly (readonly [PodReference, boolean])[] = [
  [{ namespace: "default", name: "db-0" }, true],
  [{ namespace: "default", name: "my-db-12" }, true],
  [{ namespace: "default", name: "db-7d9c4" }, false],
  [{ namespace: "default", name: "db" }, false],
  [{ namespace: "default", name: "0" }, false],
  [{ name: "db-0" }, false],
  [{ namespace: "default" }, false],
];

for (const [pod, isComingAgain] of PODS) {
  Deno.test(`stickyKeyOf: ${JSON.stringify(pod)}`, () => {
    const { namespace = "", name = "" } = pod;
    const expected = isComingAgain ? ["sticky", "pods", namespace, name, "net1"] : [];
    assertEquals(stickyKeyOf({ network: "pods", ifname: "net1" }, pod) ?? [], expected);
  });
}

Deno.test("restMsOf: the longer one of both for a pod that comes again, else the cool-down", () => {
  const db = { namespace: "default", name: "db-0" };
  for (
    const [pod, cooldownMs, stickyMs, expected] of [
      [db, 60, 3_600, 3_600],
      [db, 60, 0, 60],
      [db, 60, 30, 60],
      [{ namespace: "default", name: "db" }, 60, 3_600, 60],
      [{}, 60, 3_600, 60],
    ] as const
  ) {
    assertEquals(restMsOf(pod, { cooldownMs, stickyMs }), expected);
  }
});

/** Who has 10.0.0.2 and 10.0.0.3, and whether what is kept for db-0 is of no use then. */
const OWNERS: readonly (readonly [what: string, two: Owner, three: Owner, isTaken: boolean])[] = [
  ["nobody", undefined, undefined, false],
  ["another pod has one of them", { namespace: "default", name: "web" }, undefined, false],
  ["other pods have both", { namespace: "default", name: "web" }, { name: "x" }, true],
  ["the pod itself has one", { namespace: "default", name: "web" }, DB, false],
  [
    "another interface of the pod has both",
    { ...DB, ifname: "net1" },
    { ...DB, ifname: "a" },
    true,
  ],
  ["another interface of the pod has one", { ...DB, ifname: "net1" }, undefined, false],
  ["one of the same name has both", { namespace: "a", name: "db-0" }, {
    namespace: "b",
    name: "db-0",
  }, true],
  ["nobody knows who has one", { namespace: "default", name: "web" }, {}, false],
];

for (const [what, two, three, isTaken] of OWNERS) {
  Deno.test(`findTaken: ${what}`, () => {
    const owned = [["10.0.0.2", two], ["10.0.0.3", three]] as const;
    const leases = owned.flatMap(([text, pod]) => pod ? leaseOf("pods", text, pod) : []);
    const elsewhere = ["10.0.0.2", "10.0.0.3"].map((text) =>
      leaseOf("other", text, { namespace: "default", name: "web" })
    );
    const found = findTaken([KEPT], [...leases, ...elsewhere]);
    assertEquals(found, isTaken ? [KEPT] : []);
  });
}

Deno.test("forgetSticky: forgets what it was told, not what came since", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const key = stickyKeyOf(KEPT, DB) ?? [];
  const kept = () => store.read(async (reader) => (await listSticky(reader)).length);
  await store.write((tx) => stageSticky(tx, key, [], KEPT.addresses.slice(1)));
  await store.write((tx) => forgetSticky(tx, KEPT));
  assertEquals(await kept(), 1);
  await store.write((tx) => stageSticky(tx, key, [], KEPT.addresses));
  await store.write((tx) => forgetSticky(tx, KEPT));
  assertEquals(await kept(), 0);
});

Deno.test("restoreSticky: leaves what is remembered as it is", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => restoreSticky(tx, KEPT));
  await store.write((tx) => restoreSticky(tx, { ...KEPT, addresses: [] }));
  assertEquals(await store.read(listSticky), [KEPT]);
});

Deno.test("parseSticky: what cannot be read is no memory", () => {
  const bytes = new Uint8Array([10, 0, 0, 2]);
  assertEquals(parseSticky([bytes]).map(formatAddress), ["10.0.0.2"]);
  assertEquals(parseSticky([bytes]), [parseAddress("10.0.0.2")]);
  for (const value of [undefined, "10.0.0.2", [new Uint8Array(3)], [bytes, 7]]) {
    assertEquals(parseSticky(value), []);
  }
});

function leaseOf(network: string, address: string, owner: NonNullable<Owner>) {
  const { ifname, ...pod } = owner;
  return {
    key: keyOf(`c-${address}`, network, ifname),
    pod,
    addresses: [{ address: hostPrefix(parseAddress(address)), gateway: undefined }],
  };
}
