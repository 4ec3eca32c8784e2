import { assertEquals } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { parsePrefix } from "../net/prefix.ts";
import { type Attachment, findAttachment, putAttachment } from "./attachments.ts";
import { forgetAttachment, removeAttachment } from "./forget.ts";
import { findLease, restoreLease } from "./leases.ts";
import { claimPorts, listPorts } from "./ports.ts";
import { listResting } from "./resting.ts";
import type { StoreTransaction } from "./transaction.ts";

const ATTACHMENT: Attachment = {
  key: { network: "pods", containerId: "c1", ifname: "eth0" },
  phase: "adding",
  pod: {},
  netns: "/run/netns/c1",
  bootId: "boot-1",
  createdMs: 1_700_000_000_000,
  config: { name: "pods" },
};

/** One at any address, and one at a single one. */
const PORTS: readonly HostPort[] = [
  {
    protocol: "tcp",
    hostPort: 80,
    hostIp: undefined,
    target: parseAddress("10.0.0.2"),
    targetPort: 8080,
  },
  {
    protocol: "udp",
    hostPort: 80,
    hostIp: parseAddress("fd00::1"),
    target: parseAddress("fd00:9::2"),
    targetPort: 53,
  },
];

Deno.test("removeAttachment: forgets an attachment, and is content with an unknown one", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => putAttachment(tx, ATTACHMENT));
  for (let i = 0; i < 2; i++) {
    await store.write((tx) => removeAttachment(tx, ATTACHMENT.key));
    assertEquals(await store.read((reader) => findAttachment(reader, ATTACHMENT.key)), undefined);
  }
});

Deno.test("removeAttachment: frees the host ports of the record, and nobody else's", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const other = { ...ATTACHMENT.key, containerId: "c2" };
  await store.write(async (tx) => {
    putAttachment(tx, { ...ATTACHMENT, ports: PORTS });
    await claimPorts(tx, ATTACHMENT.key, PORTS);
    await claimPorts(tx, other, PORTS.map((port) => ({ ...port, hostPort: 81 })));
  });
  const found = await store.read((reader) => findAttachment(reader, ATTACHMENT.key));
  assertEquals(found?.ports, PORTS);
  await store.write((tx) => removeAttachment(tx, ATTACHMENT.key));
  const left = await store.read((reader) => listPorts(reader));
  assertEquals(left.map(({ owner }) => owner.containerId), ["c2", "c2"]);
});

Deno.test("forgetAttachment: lease and record go, also where there is only one of them", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const { key, pod, netns, bootId, createdMs } = ATTACHMENT;
  const address = { address: parsePrefix("10.0.0.2/24"), gateway: undefined };
  const time = { bootId, createdMs, createdUptimeMs: 0, hostNetns: "", restMs: 60_000 };
  const lease = { key, pod, netns, pool: "default", addresses: [address], ...time };
  const make = [
    (tx: StoreTransaction) => restoreLease(tx, lease),
    (tx: StoreTransaction) => putAttachment(tx, ATTACHMENT),
  ];
  for (const made of [make, make.slice(0, 1), make.slice(1), []]) {
    for (const one of made) await store.write(async (tx) => void await one(tx));
    await store.write((tx) => forgetAttachment(tx, key, { bootId, uptimeMs: 0 }));
    assertEquals(await store.read((reader) => findLease(reader, key)), undefined);
    assertEquals(await store.read((reader) => findAttachment(reader, key)), undefined);
    assertEquals((await store.read((reader) => listResting(reader))).length, 1);
  }
});
