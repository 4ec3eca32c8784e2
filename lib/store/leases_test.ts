import { assertEquals, assertRejects } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { keyOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import type { PodReference } from "../attachment.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { type IpamConfig, parseIpamConfig } from "../ipam/config.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { readCounters } from "./counters.ts";
import {
  findLease,
  findOwner,
  type Lease,
  listLeases,
  releaseLease,
  reserveLease,
  restoreLease,
} from "./leases.ts";
import type { Moment } from "./resting.ts";
import type { Store } from "./store.ts";

const MOMENT: Moment = { bootId: "boot-1", uptimeMs: 1_000_000 };
const DUAL = { ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "fd00::/64" }]] };
const SMALL = { subnet: "10.0.0.0/29" };

Deno.test("reserveLease: gives an address of each set and remembers who has it", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const lease = await reserve(store, "c1", { ipam: DUAL });
  assertEquals(addressTexts(lease), ["10.0.0.2/24 via 10.0.0.1", "fd00::2/64 via fd00::1"]);
  assertEquals(await store.read((reader) => findLease(reader, keyOf("c1"))), lease);
  const ownerOf = (address: string) =>
    store.read((reader) => findOwner(reader, "pods", parseAddress(address)));
  assertEquals(await ownerOf("fd00::2"), keyOf("c1"));
  assertEquals(await ownerOf("fd00::3"), undefined);
  assertEquals(lease, {
    key: keyOf("c1"),
    pool: "default",
    addresses: lease.addresses,
    pod: { namespace: "default", name: "web" },
    netns: "/run/netns/c1",
    bootId: "boot-1",
    createdMs: 1_700_000_000_000,
    createdUptimeMs: 1_000_000,
    hostNetns: "net:[1]",
    restMs: 60_000,
  });
});

Deno.test("reserveLease: refuses a second lease of one attachment, not of another interface", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await reserve(store, "c1", { ipam: DUAL });
  const error = await assertRejects(() => reserve(store, "c1", { ipam: DUAL }), ConfigError);
  assertEquals([error.reason, error.message], [
    "already-attached",
    "10.0.0.2 has been allocated to c1, duplicate allocation is not allowed",
  ]);
  const other = await reserve(store, "c1", { ipam: DUAL, ifname: "eth1" });
  assertEquals(addressTexts(other), ["10.0.0.3/24 via 10.0.0.1", "fd00::3/64 via fd00::1"]);
});

Deno.test("reserveLease: gives a released address again only when the round comes to it", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const given: string[] = [];
  for (const id of ["c1", "c2", "c3", "c4", "c5", "c6", "c7"]) {
    given.push(lastDigits(await reserve(store, id, { ipam: { ...SMALL, cooldown: 0 } })));
    await release(store, id);
  }
  assertEquals(given, ["2", "3", "4", "5", "6", "2", "3"]);
});

Deno.test("reserveLease: writes nothing when one set is exhausted", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ipam = { ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "10.1.0.0/30" }]] };
  await reserve(store, "c1", { ipam });
  const before = await store.read((reader) => reader.list([]));
  const error = await assertRejects(() => reserve(store, "c2", { ipam }), ConfigError);
  assertEquals(error.reason, "pool-exhausted");
  assertEquals(await store.read((reader) => reader.list([])), before);
});

Deno.test("reserveLease: networks with the same subnet do not meet", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  for (const network of ["pods", "other"]) {
    assertEquals(lastDigits(await reserve(store, "c1", { ipam: SMALL, network })), "2");
  }
  const networks = await store.read(async (reader) => ({
    all: (await listLeases(reader)).map(({ key }) => key.network),
    pods: (await listLeases(reader, "pods")).map(({ key }) => key.network),
  }));
  assertEquals(networks, { all: ["other", "pods"], pods: ["pods"] });
});

Deno.test("reserveLease: pools of one network share its addresses, each with its own round", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ipam = {
    ...SMALL,
    pools: [{ name: "front", namespaces: ["front"], subnet: "10.0.0.0/29" }],
  };
  const pod = { namespace: "front", name: "web" };
  const given = [
    await reserve(store, "c1", { ipam }),
    await reserve(store, "c2", { ipam, pod }),
    await reserve(store, "c3", { ipam }),
    await reserve(store, "c4", { ipam, pod }),
  ];
  assertEquals(given.map((lease) => `${lease.pool} ${lastDigits(lease)}`), [
    "default 2",
    "front 3",
    "default 4",
    "front 5",
  ]);
  await assertConsistent(store);
});

Deno.test("reserveLease: a requested address moves the round, as in host-local", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ipam = { subnet: "10.0.0.0/24" };
  assertEquals(lastDigits(await reserve(store, "c1", { ipam, argsIp: "10.0.0.100" })), "100");
  assertEquals(lastDigits(await reserve(store, "c2", { ipam })), "101");
});

Deno.test("reserveLease: keeps addresses of leases when ranges change", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await reserve(store, "c1", { ipam: { subnet: "10.0.0.0/24" } });
  await reserve(store, "c2", { ipam: { subnet: "10.0.0.0/24" } });
  const narrow = { subnet: "10.0.0.0/29", rangeStart: "10.0.0.3" };
  assertEquals(addressTexts(await reserve(store, "c3", { ipam: narrow })), [
    "10.0.0.4/29 via 10.0.0.1",
  ]);
  const wide = { subnet: "10.0.0.0/8", gateway: "10.255.255.254", allocation_strategy: "dense" };
  assertEquals(addressTexts(await reserve(store, "c4", { ipam: wide })), [
    "10.0.0.1/8 via 10.255.255.254",
  ]);
  assertEquals(lastDigits(await reserve(store, "c5", { ipam: wide })), "5");
});

Deno.test("reserveLease: refuses an address that is marked as free but has an owner", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await reserve(store, "c1", { ipam: { ...SMALL, allocation_strategy: "dense" } });
  await store.write((tx) => tx.delete(["page", "pods", new Uint8Array([10, 0, 0, 0])]));
  const error = await assertRejects(
    () => reserve(store, "c2", { ipam: { ...SMALL, allocation_strategy: "dense" } }),
    StoreError,
    'has an owner, 10.0.0.2 is of "pods/c1/eth0"',
  );
  assertEquals(error.reason, "store-damaged");
});

Deno.test("releaseLease: leaves no lease behind, and is content with an unknown one", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const lease = await reserve(store, "c1", { ipam: { ...DUAL, cooldown: 0 } });
  assertEquals(await release(store, "c1"), lease);
  assertEquals(await release(store, "c1"), undefined);
  const kinds = (await store.read((reader) => reader.list([]))).map(({ key }) => key[0]);
  assertEquals(new Set(kinds), new Set(["counter", "cursor", "network", "schema"]));
});

Deno.test("releaseLease: many in one transaction", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
  for (const id of ids) await reserve(store, id, { ipam: DUAL });
  await store.write(async (tx) => {
    for (const id of ids.slice(1)) await releaseLease(tx, keyOf(id), MOMENT);
  });
  const left = await store.read((reader) => listLeases(reader));
  assertEquals(left.flatMap(addressTexts), ["10.0.0.2/24 via 10.0.0.1", "fd00::2/64 via fd00::1"]);
  await assertConsistent(store);
});

Deno.test("leases: what is given and released is counted by network and pool", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await reserve(store, "c1", { ipam: SMALL });
  await reserve(store, "c2", { ipam: SMALL });
  await reserve(store, "c3", { ipam: SMALL, network: "other" });
  await release(store, "c1");
  await release(store, "c1");
  const counters = await store.read(readCounters);
  assertEquals(
    counters.map(({ metric, labels, value }) => `${metric} ${labels.join(" ")} ${value}`),
    ["allocations other default 1", "allocations pods default 2", "releases pods default 1"],
  );
});

Deno.test("restoreLease: puts a lease back as it is, once", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const lease = await reserve(store, "c1", { ipam: DUAL });
  await release(store, "c1");
  const [first, ...others] = lease.addresses;
  const known = { ...lease, netns: "", bootId: "", hostNetns: "", restMs: 0 };
  const restored = first
    ? { ...known, addresses: [{ ...first, gateway: undefined }, ...others] }
    : known;
  const restore = () => store.write((tx) => restoreLease(tx, restored));
  assertEquals([await restore(), await restore()], ["new", "present"]);
  assertEquals(await store.read((reader) => findLease(reader, keyOf("c1"))), restored);
  // The addresses rested: that is over.
  await assertConsistent(store);
});

Deno.test("restoreLease: never gives an address a second owner", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const lease = await reserve(store, "c1", { ipam: DUAL });
  const error = await assertRejects(
    () => store.write((tx) => restoreLease(tx, { ...lease, key: keyOf("c2") })),
    ConfigError,
    '10.0.0.2 is of "pods/c1/eth0"',
  );
  assertEquals(error.reason, "address-unavailable");
  assertEquals((await store.read((reader) => listLeases(reader))).length, 1);
});

Deno.test("leases: a value that somebody else wrote is named and left alone", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => {
    tx.set(["lease", "pods", "c1", "eth0"], { pool: 7, addresses: "none" });
    tx.set(["page", "pods", new Uint8Array([10, 0, 0, 0])], new Uint8Array(3));
    tx.set(["cursor", "pods", "default", 0], "10.0.0.9");
    tx.set(["address", "pods", new Uint8Array([10, 0, 0, 9])], "c1");
  });
  const before = await store.read((reader) => reader.list([]));
  const uses = [
    () => reserve(store, "c1", { ipam: DUAL }),
    () => reserve(store, "c2", { ipam: DUAL }),
    () => release(store, "c1"),
    () => store.read((reader) => findLease(reader, keyOf("c1"))),
    () => store.read((reader) => listLeases(reader)),
    () => store.read((reader) => findOwner(reader, "pods", parseAddress("10.0.0.9"))),
  ];
  for (const use of uses) {
    const error = await assertRejects(use, StoreError, "Cannot read the store");
    assertEquals(error.reason, "store-damaged");
  }
  assertEquals(await store.read((reader) => reader.list([])), before);
});

/** What a test asks for beside the usual. */
interface Wanted {
  readonly ipam: unknown;
  readonly network?: string;
  readonly ifname?: string;
  readonly argsIp?: string;
  readonly pod?: PodReference;
}

function reserve(store: Store, id: string, wanted: Wanted): Promise<Lease> {
  const { ipam, network, ifname, argsIp, pod = { namespace: "default", name: "web" } } = wanted;
  return store.write((tx) =>
    reserveLease(tx, {
      ...MOMENT,
      key: keyOf(id, network, ifname),
      pod,
      netns: `/run/netns/${id}`,
      hostNetns: "net:[1]",
      nowMs: 1_700_000_000_000,
      random: () => 0,
      config: configOf(ipam, argsIp, pod),
      ipam,
    })
  );
}

function configOf(ipam: unknown, argsIp: string | undefined, pod: PodReference): IpamConfig {
  return parseIpamConfig({ network: "pods", ipam, argsIp, podNamespace: pod.namespace });
}

function release(store: Store, id: string): Promise<Lease | undefined> {
  return store.write((tx) => releaseLease(tx, keyOf(id), MOMENT));
}

function addressTexts(lease: Lease): string[] {
  return lease.addresses.map(({ address, gateway }) =>
    `${formatPrefix(address)} via ${gateway ? formatAddress(gateway) : "nothing"}`
  );
}

/** The last part of an IPv4 lease. */
function lastDigits({ addresses: [first] }: Lease): string {
  return first ? formatAddress(first.address.address).split(".").at(-1) ?? "" : "";
}
