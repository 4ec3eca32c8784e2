import { assertEquals, assertRejects } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { type Attachment, findAttachment, listAttachments, putAttachment } from "./attachments.ts";

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

Deno.test("putAttachment: refuses a configuration that does not fit", async () => {
  await using temporary = await makeTemporaryStore();
  const large = { ...ATTACHMENT, config: { text: "\u20ac".repeat(31_000) } };
  const error = await assertRejects(
    () => temporary.store.write((tx) => putAttachment(tx, large)),
    ConfigError,
    "30000 can be kept",
  );
  assertEquals(error.reason, "invalid-config");
  const largest = { ...ATTACHMENT, config: { text: "\u20ac".repeat(29_975) } };
  await temporary.store.write((tx) => putAttachment(tx, largest));
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
