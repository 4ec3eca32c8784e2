import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { parsePrefix } from "../net/prefix.ts";
import {
  type Attachment,
  findAttachment,
  forgetAttachment,
  listAttachments,
  putAttachment,
  removeAttachment,
} from "./attachments.ts";
import { findLease, restoreLease } from "./leases.ts";
import { recordKey } from "./keys.ts";
import { claimPorts, listPorts } from "./ports.ts";
import { listResting } from "./resting.ts";
import type { StoreTransaction } from "./transaction.ts";

const ATTACHMENT: Attachment = {
  key: { network: "pods", containerId: "c1", ifname: "eth0" },
  phase: "adding",
  pod: { name: "web" },
  netns: "/run/netns/c1",
  bootId: "boot-1",
  createdMs: 1_700_000_000_000,
  config: { name: "pods", ipam: { type: "headcni-ipam" }, mtu: null, list: [1, "two", [true]] },
};

Deno.test("putAttachment: keeps an attachment as it is, and replaces it", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const added: Attachment = { ...ATTACHMENT, phase: "added", hostLink: "veth1" };
  for (const attachment of [ATTACHMENT, added]) {
    await store.write((tx) => putAttachment(tx, attachment));
    assertEquals(await store.read((reader) => findAttachment(reader, attachment.key)), attachment);
  }
});

Deno.test("putAttachment: refuses what does not fit, in words of its own", async () => {
  await using temporary = await makeTemporaryStore();
  const target = parseAddress("10.0.0.2");
  const kinds: [string, (size: number) => Partial<Attachment>][] = [
    ["text", (size) => ({ config: { text: "\u20ac".repeat(size) } })],
    ["fractions", (size) => ({ result: Array.from({ length: size / 4 }, () => 0.5) })],
    ["lists", (size) => ({ config: Array.from({ length: size / 3 }, () => []) })],
    ["path", (size) => ({ netns: "\u20ac".repeat(size) })],
    ["host ports", (size) => ({
      config: { text: "\u20ac".repeat(size / 2) },
      hostPorts: Array.from({ length: size / 4 }, (_, i): HostPort => ({
        ...{ protocol: "tcp", hostPort: 2 * i + 1, targetPort: 80, target, hostIp: undefined },
      })),
    })],
  ];
  for (const [name, make] of kinds) {
    const put = (size: number) =>
      temporary.store.write((tx) => putAttachment(tx, { ...ATTACHMENT, ...make(size) }));
    await put(20_000);
    for (let size = 24_000; size < 27_000; size += 100) {
      await put(size).catch((error) => assert(error instanceof ConfigError, name));
    }
    const error = await assertRejects(() => put(40_000), ConfigError, "26000 can be kept");
    assertEquals(error.reason, "invalid-config");
  }
});

Deno.test("removeAttachment: forgets an attachment, and is content with an unknown one", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => putAttachment(tx, ATTACHMENT));
  for (let i = 0; i < 2; i++) {
    await store.write((tx) => removeAttachment(tx, ATTACHMENT.key));
    assertEquals(await store.read((reader) => findAttachment(reader, ATTACHMENT.key)), undefined);
  }
});

Deno.test("putAttachment, forgetAttachment: host ports are kept, and free with the record", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const hostPorts = [undefined, parseAddress("fd00::1")].map((hostIp, i): HostPort => ({
    ...{ protocol: "tcp", hostPort: 80 + i, hostIp, targetPort: 8080 },
    target: parseAddress("fd00::5"),
  }));
  const attachment: Attachment = { ...ATTACHMENT, hostPorts };
  await store.write(async (tx) => {
    await claimPorts(tx, ATTACHMENT.key, hostPorts);
    putAttachment(tx, attachment);
  });
  assertEquals(await store.read((reader) => findAttachment(reader, ATTACHMENT.key)), attachment);
  await store.write((tx) => forgetAttachment(tx, ATTACHMENT.key, "unused"));
  assertEquals(await store.read(listPorts), []);
});

Deno.test("forgetAttachment: a record that nobody can read is forgotten all the same", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => tx.set(recordKey(ATTACHMENT.key), { hostPorts: "many" }));
  await store.write((tx) => forgetAttachment(tx, ATTACHMENT.key, "unused"));
  assertEquals(await store.read((reader) => findAttachment(reader, ATTACHMENT.key)), undefined);
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

Deno.test("listAttachments: lists a network, or all", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const other = { ...ATTACHMENT, key: { ...ATTACHMENT.key, network: "other" } };
  await store.write((tx) => [ATTACHMENT, other].forEach((one) => putAttachment(tx, one)));
  assertEquals(await store.read((reader) => listAttachments(reader)), [other, ATTACHMENT]);
  assertEquals(await store.read((reader) => listAttachments(reader, "pods")), [ATTACHMENT]);
});

Deno.test("findAttachment: names a record that somebody else wrote", async () => {
  await using temporary = await makeTemporaryStore();
  await temporary.store.write((tx) => tx.set(["attachment", "pods", "c1", "eth0"], { phase: "x" }));
  await assertRejects(
    () => temporary.store.read((reader) => findAttachment(reader, ATTACHMENT.key)),
    StoreError,
    'attachment "pods/c1/eth0"',
  );
});
