import { assertEquals, assertRejects } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { StoreError } from "../errors.ts";
import { networkKey } from "./keys.ts";
import { listNetworks, stageNetwork } from "./networks.ts";
import type { Store } from "./store.ts";

const IPAM = { subnet: "10.0.0.0/24", exclude: ["10.0.0.9"] };

Deno.test("stageNetwork: keeps the last section of each network", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await put(store, "pods", { subnet: "10.9.0.0/24" });
  await put(store, "pods", IPAM);
  await put(store, "other", {});
  assertEquals(await store.read(listNetworks), [
    { network: "other", ipam: {} },
    { network: "pods", ipam: IPAM },
  ]);
});

Deno.test("stageNetwork: writes nothing that is there already", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await put(store, "pods", IPAM);
  await store.write(async (tx) => {
    const stored = await tx.get(networkKey("pods"));
    const refuse = () => {
      throw new Error("it was written");
    };
    stageNetwork({ ...tx, set: refuse, delete: refuse }, { network: "pods", ipam: IPAM }, stored);
  });
});

Deno.test("stageNetwork: keeps nothing rather than a section that is too long, or an old one", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await put(store, "pods", IPAM);
  await put(store, "pods", { ...IPAM, exclude: Array(4_000).fill("10.0.0.9") });
  assertEquals(await store.read(listNetworks), []);
});

Deno.test("listNetworks: names a record that cannot be read", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  for (const value of ["{", 7]) {
    await store.write((tx) => tx.set(networkKey("pods"), value));
    await assertRejects(() => store.read(listNetworks), StoreError, 'ipam of network "pods"');
  }
});

function put(store: Store, network: string, ipam: unknown): Promise<void> {
  return store.write(async (tx) =>
    stageNetwork(tx, { network, ipam }, await tx.get(networkKey(network)))
  );
}
