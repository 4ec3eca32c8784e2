import { assertEquals } from "@std/assert";
import { makeTemporaryStore } from "../../../tests/fakes/temporary_store.ts";
import { parseIpamConfig } from "../../../lib/ipam/config.ts";
import { putAttachment } from "../../../lib/store/attachments.ts";
import { reserveLease } from "../../../lib/store/leases.ts";
import { readStores } from "./read_stores.ts";

const KEY = { network: "pods", containerId: "c1", ifname: "eth0" };
const COMMON = { pod: { namespace: "default", name: "web" }, netns: "/n", bootId: "boot" };
const IPAM = { subnet: "10.0.0.0/24" };
const CHOICE = {
  config: parseIpamConfig({ network: "pods", ipam: IPAM }),
  ipam: IPAM,
  uptimeMs: 0,
  hostNetns: "net:[1]",
  random: () => 0,
};

Deno.test("readStores: joins leases and attachments of every store in use", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options: { directory, runDirectory } } = temporary;
  await store.write(async (tx) => {
    await reserveLease(tx, { ...COMMON, ...CHOICE, key: KEY, nowMs: 2 });
    const bare = { ...KEY, containerId: "c0" };
    await reserveLease(tx, { ...COMMON, ...CHOICE, key: bare, nowMs: 1 });
    putAttachment(tx, {
      ...COMMON,
      key: KEY,
      phase: "added",
      createdMs: 3,
      hostLink: "veth1",
      config: {},
    });
  });
  const expected = {
    directory,
    exists: true,
    schema: 1,
    attachments: [
      {
        ...{ network: "pods", containerId: "c0", ifname: "eth0", pod: COMMON.pod },
        ...{ addresses: ["10.0.0.3/24"], createdMs: 1 },
      },
      {
        ...{ network: "pods", containerId: "c1", ifname: "eth0", pod: COMMON.pod },
        ...{ addresses: ["10.0.0.2/24"], phase: "added" as const, hostLink: "veth1", createdMs: 3 },
      },
    ],
  };
  const env = { HEADCNI_RUN_DIR: runDirectory };
  const read = async (named: string | undefined, variables = {}) =>
    (await readStores(named, { ...env, ...variables })).map(({ store }) => store);
  assertEquals(await read(directory), [expected]);
  assertEquals(await read(undefined, { HEADCNI_DATA_DIR: directory }), [expected]);
  const all = await read(undefined);
  assertEquals(all.filter((each) => each.directory === directory), [expected]);
});
