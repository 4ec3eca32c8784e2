import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { overwritePage, PAGE_BYTES } from "../../tests/fakes/damages.ts";
import { keyOf, leasedContainers, leaseOf } from "../../tests/fakes/lease.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import { batchesOf } from "../batches.ts";
import { ConfigError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { hostLinkName } from "../pod/identity.ts";
import { readCounters } from "../store/counters.ts";
import { leaseKey, networkKey } from "../store/keys.ts";
import { LEASES_PER_COMMIT, listLeases, releaseLease, restoreLease } from "../store/leases.ts";
import { claimPorts, listPorts } from "../store/ports.ts";
import { listResting } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import { openRequestStore } from "./open_store.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
/** This program from its source. */
const SELF = [Deno.execPath(), "run", "-A", "--unstable-kv", "--no-check", MAIN];

const PODS = 60;
const NAMES = Array.from({ length: PODS }, (_, pod) => `c${String(pod).padStart(40, "0")}`);

/** Fills the store of a node with leases, of which the first one is released then. */
async function fill(node: TracedNode): Promise<void> {
  await using store = await node.openStore();
  for (const batch of batchesOf([...NAMES.entries()], LEASES_PER_COMMIT)) {
    await store.write(async (tx) => {
      for (const [pod, name] of batch) {
        await restoreLease(tx, leaseOf(name, `10.9.0.${pod + 2}/24`));
      }
    });
  }
  const now = { bootId: node.bootId, uptimeMs: node.uptimeMs };
  await store.write((tx) => releaseLease(tx, keyOf(NAMES[0] ?? ""), now));
}

/** Opens the store as an ADD after boot does. */
async function reopen(node: TracedNode): Promise<Store> {
  await Deno.remove(node.context.runDirectory, { recursive: true });
  return await openRequestStore(makeRequest("ADD", { ipam: IPAM }), {
    ...node.context,
    self: SELF,
  });
}

Deno.test("recollect: a record that nobody can read costs nothing but itself", async () => {
  await using node = await TracedNode.make();
  await fill(node);
  const list = (store: Store) =>
    store.read(async (reader) => [await listLeases(reader), await listResting(reader)]);
  const count = async (store: Store) =>
    Object.fromEntries((await store.read(readCounters)).map((one) => [one.metric, one.value]));
  const [before, counted] = await (async () => {
    await using store = await node.openStore();
    await store.write((tx) => tx.set(networkKey("broken"), "{"));
    return [await list(store), await count(store)];
  })();
  await using mended = await reopen(node);
  await assertConsistent(mended);
  assertEquals(await list(mended), before);
  const { restored = 0n, ...others } = counted;
  assertEquals(await count(mended), {
    ...{ ...others, rebuilt: 1n },
    restored: restored + BigInt(PODS - 1),
  });
});

Deno.test("recollect: a lease that nobody can read is of its link, or named in the log", async () => {
  await using node = await TracedNode.make();
  await fill(node);
  const [, linked = "", lost = ""] = NAMES;
  {
    await using store = await node.openStore();
    await store.write((tx) => {
      for (const name of [linked, lost]) tx.set(leaseKey(keyOf(name)), "noise");
    });
  }
  node.addLink(keyOf(linked), ["10.9.0.3"]);
  const log = await logged("warn", async () => {
    await using store = await reopen(node);
    await assertConsistent(store);
    assertEquals(await leasedContainers(store), NAMES.filter((_, pod) => pod !== 0 && pod !== 2));
  });
  const [brought = "", named = ""] = log.split("\n");
  assertStringIncludes(brought, `"links":1,"file":${PODS - 3},"results":0`);
  assertStringIncludes(named, "Cannot keep a lease");
  assertStringIncludes(named, lost);
});

Deno.test("recollect: a noisy page costs only what is in it", async () => {
  await using node = await TracedNode.make();
  await fill(node);
  const path = `${node.directory}/state.kv`;
  const whole = Deno.readFileSync(path);
  const { random } = seededRandom();
  const kept: number[] = [];
  for (let page = 10; page < whole.length / PAGE_BYTES; page += 3) {
    Deno.writeFileSync(path, whole);
    overwritePage(path, page, random);
    await using store = await reopen(node);
    await assertConsistent(store);
    kept.push((await leasedContainers(store)).length);
  }
  assert(kept.length > 2 && kept.every((count) => count > PODS / 2), kept.join());
});

Deno.test("recollect: host ports of the kernel are claimed, whether or not there is a file", async () => {
  const [name = ""] = NAMES.slice(1);
  const port: HostPort = {
    ...{ protocol: "tcp", hostPort: 80, hostIp: undefined, targetPort: 80 },
    target: parseAddress("10.9.0.3"),
  };
  const single = { ...port, hostIp: parseAddress("192.0.2.1"), target: parseAddress("10.9.0.9") };
  for (const left of ["damaged", "no file"]) {
    await using node = await TracedNode.make();
    await fill(node);
    node.addLink(keyOf(name), ["10.9.0.3"]);
    node.hostPorts.push({ port, link: hostLinkName(keyOf(name)) });
    if (left === "no file") await Deno.remove(`${node.directory}/state.kv`);
    else {
      await using store = await node.openStore();
      await store.write((tx) => tx.set(leaseKey(keyOf(name)), "noise"));
    }
    await using store = await reopen(node);
    await assertConsistent(store);
    assertEquals(await store.read(listPorts), [{ port, owner: keyOf(name) }], left);
    await assertRejects(
      () => store.write((tx) => claimPorts(tx, keyOf("new"), [single])),
      ConfigError,
      name,
    );
  }
});

Deno.test("recollect: a copy of yesterday learns the host ports of today", async () => {
  await using node = await TracedNode.make();
  const [before, now] = [keyOf("before"), keyOf("now")];
  const old: HostPort = {
    ...{ protocol: "tcp", hostPort: 80, hostIp: undefined, targetPort: 80 },
    target: parseAddress("10.9.0.2"),
  };
  const port = { ...old, target: parseAddress("10.9.0.3") };
  {
    await using store = await node.openStore();
    await store.write((tx) => claimPorts(tx, before, [old]));
  }
  node.addLink(now, ["10.9.0.3"]);
  node.hostPorts.push({ port, link: hostLinkName(now) });
  const path = `${node.directory}/state.kv`;
  await Deno.copyFile(path, `${path}.copy`);
  await Deno.rename(`${path}.copy`, path);
  await using store = await openRequestStore(makeRequest("ADD", { ipam: IPAM }), {
    ...node.context,
    self: SELF,
  });
  assertEquals(await store.read(listPorts), [{ port, owner: now }]);
  await assertConsistent(store);
});
