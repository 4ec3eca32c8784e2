import { assertEquals, assertRejects } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import type { AttachmentKey } from "../attachment.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { type IpamConfig, parseIpamConfig } from "../ipam/config.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { addressKey } from "./keys.ts";
import { findLease, type Lease, listLeases, releaseLease, reserveLease } from "./leases.ts";
import type { Store } from "./store.ts";

const DUAL = configOf({ ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "fd00::/64" }]] });
const MOMENT = { bootId: "boot-1", uptimeMs: 1_000_000 };
const SMALL = configOf({ subnet: "10.0.0.0/29" });

Deno.test("reserveLease: gives an address of each set and remembers who has it", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const lease = await reserve(store, keyOf("c1"), DUAL);
  assertEquals(addressTexts(lease), ["10.0.0.2/24 via 10.0.0.1", "fd00::2/64 via fd00::1"]);
  assertEquals(await store.read((reader) => findLease(reader, keyOf("c1"))), lease);
  const owner = await store.read((reader) =>
    reader.get(addressKey("pods", parseAddress("fd00::2")))
  );
  assertEquals(owner, keyOf("c1"));
  assertEquals(lease, {
    key: keyOf("c1"),
    pool: "default",
    addresses: lease.addresses,
    pod: { namespace: "default", name: "web" },
    netns: "/run/netns/c1",
    bootId: "boot-1",
    createdMs: 1_700_000_000_000,
    createdUptimeMs: 1_000_000,
    restMs: 60_000,
  });
});

Deno.test("reserveLease: refuses a second lease of one attachment, not of another interface", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await reserve(store, keyOf("c1"), DUAL);
  const error = await assertRejects(() => reserve(store, keyOf("c1"), DUAL), ConfigError);
  assertEquals([error.reason, error.message], [
    "already-attached",
    "10.0.0.2 has been allocated to c1, duplicate allocation is not allowed",
  ]);
  const other = await reserve(store, { ...keyOf("c1"), ifname: "eth1" }, DUAL);
  assertEquals(addressTexts(other), ["10.0.0.3/24 via 10.0.0.1", "fd00::3/64 via fd00::1"]);
});

Deno.test("reserveLease: gives a released address again only when the round comes to it", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const given: string[] = [];
  for (const id of ["c1", "c2", "c3", "c4", "c5", "c6", "c7"]) {
    given.push(...addressTexts(await reserve(store, keyOf(id), SMALL)));
    await store.write((tx) => releaseLease(tx, keyOf(id), MOMENT));
  }
  const last = given.map((text) => text.slice("10.0.0.".length, "10.0.0.".length + 1));
  assertEquals(last, ["2", "3", "4", "5", "6", "2", "3"]);
});

Deno.test("reserveLease: writes nothing when one set is exhausted", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const config = configOf({ ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "10.1.0.0/30" }]] });
  await reserve(store, keyOf("c1"), config);
  const before = await store.read((reader) => reader.list([]));
  const error = await assertRejects(() => reserve(store, keyOf("c2"), config), ConfigError);
  assertEquals(error.reason, "pool-exhausted");
  assertEquals(await store.read((reader) => reader.list([])), before);
});

Deno.test("reserveLease: networks with the same subnet do not meet", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  for (const network of ["pods", "other"]) {
    const lease = await reserve(store, { ...keyOf("c1"), network }, SMALL);
    assertEquals(addressTexts(lease), ["10.0.0.2/29 via 10.0.0.1"]);
  }
  const networks = await store.read(async (reader) => ({
    all: (await listLeases(reader)).map(({ key }) => key.network),
    pods: (await listLeases(reader, "pods")).map(({ key }) => key.network),
  }));
  assertEquals(networks, { all: ["other", "pods"], pods: ["pods"] });
});

Deno.test("reserveLease: a requested address moves the round, as in host-local", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const requesting = configOf({ subnet: "10.0.0.0/24" }, "10.0.0.100");
  assertEquals(addressTexts(await reserve(store, keyOf("c1"), requesting)), [
    "10.0.0.100/24 via 10.0.0.1",
  ]);
  const next = await reserve(store, keyOf("c2"), configOf({ subnet: "10.0.0.0/24" }));
  assertEquals(addressTexts(next), ["10.0.0.101/24 via 10.0.0.1"]);
});

Deno.test("reserveLease: keeps addresses of leases when ranges change", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await reserve(store, keyOf("c1"), configOf({ subnet: "10.0.0.0/24" }));
  await reserve(store, keyOf("c2"), configOf({ subnet: "10.0.0.0/24" }));
  const narrow = configOf({ subnet: "10.0.0.0/29", rangeStart: "10.0.0.3" });
  assertEquals(addressTexts(await reserve(store, keyOf("c3"), narrow)), [
    "10.0.0.4/29 via 10.0.0.1",
  ]);
  const wide = configOf({ subnet: "10.0.0.0/8", gateway: "10.255.255.254" });
  await store.write((tx) => tx.delete(["cursor", "pods", 0]));
  assertEquals(addressTexts(await reserve(store, keyOf("c4"), wide)), [
    "10.0.0.1/8 via 10.255.255.254",
  ]);
  assertEquals(addressTexts(await reserve(store, keyOf("c5"), wide)), [
    "10.0.0.5/8 via 10.255.255.254",
  ]);
});

Deno.test("releaseLease: leaves no trace of a lease, and is content with an unknown one", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const lease = await reserve(store, keyOf("c1"), DUAL);
  assertEquals(await store.write((tx) => releaseLease(tx, keyOf("c1"), MOMENT)), lease);
  assertEquals(await store.write((tx) => releaseLease(tx, keyOf("c1"), MOMENT)), undefined);
  const keys = (await store.read((reader) => reader.list([]))).map(({ key }) => key.join(" "));
  assertEquals(keys, ["cursor pods 0", "cursor pods 1", "schema"]);
});

Deno.test("releaseLease: many in one transaction", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
  for (const id of ids) await reserve(store, keyOf(id), DUAL);
  await store.write(async (tx) => {
    for (const id of ids.slice(1)) await releaseLease(tx, keyOf(id), MOMENT);
  });
  const left = await store.read((reader) => listLeases(reader));
  assertEquals(left.flatMap(addressTexts), ["10.0.0.2/24 via 10.0.0.1", "fd00::2/64 via fd00::1"]);
});

Deno.test("leases: a value that somebody else wrote is named and left alone", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => {
    tx.set(["lease", "pods", "c1", "eth0"], { pool: 7, addresses: "none" });
    tx.set(["page", "pods", new Uint8Array([10, 0, 0, 0])], new Uint8Array(3));
    tx.set(["cursor", "pods", 0], "10.0.0.9");
  });
  const before = await store.read((reader) => reader.list([]));
  const uses = [
    () => reserve(store, keyOf("c1"), DUAL),
    () => reserve(store, keyOf("c2"), DUAL),
    () => store.write((tx) => releaseLease(tx, keyOf("c1"), MOMENT)),
    () => store.read((reader) => findLease(reader, keyOf("c1"))),
    () => store.read((reader) => listLeases(reader)),
  ];
  for (const use of uses) {
    const error = await assertRejects(use, StoreError, "Cannot read the store");
    assertEquals(error.reason, "store-failure");
  }
  assertEquals(await store.read((reader) => reader.list([])), before);
});

function configOf(ipam: unknown, argsIp?: string): IpamConfig {
  return parseIpamConfig({ network: "pods", ipam, argsIp });
}

function keyOf(containerId: string): AttachmentKey {
  return { network: "pods", containerId, ifname: "eth0" };
}

function reserve(store: Store, key: AttachmentKey, config: IpamConfig): Promise<Lease> {
  return store.write((tx) =>
    reserveLease(tx, {
      key,
      pod: { namespace: "default", name: "web" },
      netns: `/run/netns/${key.containerId}`,
      ...MOMENT,
      nowMs: 1_700_000_000_000,
      random: () => 0,
      config,
      ipam: {},
    })
  );
}

function addressTexts(lease: Lease): string[] {
  return lease.addresses.map(({ address, gateway }) =>
    `${formatPrefix(address)} via ${gateway ? formatAddress(gateway) : "none"}`
  );
}
