import { assertEquals, assertExists, assertRejects } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { keyOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { ConfigError } from "../errors.ts";
import { parseIpamConfig } from "../ipam/config.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { restingKey } from "./keys.ts";
import { type Lease, releaseLease, reserveLease } from "./leases.ts";
import { listResting, type Moment, restoreRest } from "./resting.ts";
import type { Store } from "./store.ts";

/** Five addresses, 10.0.0.2 to 10.0.0.6; the lowest free one is given. */
const DENSE = { subnet: "10.0.0.0/29", allocation_strategy: "dense", cooldown: "60s" };
const STICKY = { ...DENSE, sticky: "1h" };

/** What a test plays: each line gives a pod an address, or takes it away, or lets time pass. */
type Scene = readonly (
  | readonly [give: "add", pod: string, address: string]
  | readonly [take: "del" | "undo", pod: string]
  | readonly [pass: "seconds", seconds: number]
  | readonly [boot: "reboot"]
  | readonly [set: "clock back", seconds: number]
)[];

const SCENES: readonly (readonly [what: string, ipam: unknown, scene: Scene])[] = [
  ["a released address is not given before its rest is over", DENSE, [
    ["add", "a", "2"],
    ["del", "a"],
    ["seconds", 59.999],
    ["add", "b", "3"],
    ["seconds", 0.001],
    ["add", "c", "2"],
  ]],
  ["a clock that is set back changes nothing", DENSE, [
    ["add", "a", "2"],
    ["clock back", 3_600],
    ["del", "a"],
    ["clock back", 3_600],
    ["add", "b", "3"],
    ["seconds", 60],
    ["clock back", 3_600],
    ["add", "c", "2"],
  ]],
  ["another boot ends every rest", DENSE, [
    ["add", "a", "2"],
    ["seconds", 3_600],
    ["del", "a"],
    ["reboot"],
    ["add", "b", "2"],
  ]],
  ["a dry pool gives the address that rested longest", DENSE, [
    ["add", "a", "2"],
    ["add", "b", "3"],
    ["add", "c", "4"],
    ["add", "d", "5"],
    ["add", "e", "6"],
    ["del", "d"],
    ["seconds", 1],
    ["del", "a"],
    ["seconds", 1],
    ["add", "f", "5"],
    ["add", "g", "2"],
    ["add", "h", "none"],
  ]],
  ["a dry pool gives what rested in another boot before the rest", DENSE, [
    ["add", "a", "2"],
    ["add", "b", "3"],
    ["add", "c", "4"],
    ["add", "d", "5"],
    ["add", "e", "6"],
    ["seconds", 3_600],
    ["del", "d"],
    ["reboot"],
    ["del", "a"],
    ["add", "f", "5"],
    ["add", "g", "2"],
  ]],
  ["an address that nobody had rests not at all", DENSE, [
    ["add", "a", "2"],
    ["undo", "a"],
    ["add", "b", "2"],
  ]],
  ["without a cool-down an address is free at once", { ...DENSE, cooldown: 0 }, [
    ["add", "a", "2"],
    ["del", "a"],
    ["add", "b", "2"],
  ]],
  ["a resting address is given to who asks for it", DENSE, [
    ["add", "a", "2"],
    ["del", "a"],
    ["add", "b asks for 10.0.0.2", "2"],
    ["seconds", 60],
    ["add", "c", "3"],
  ]],
  ["a StatefulSet's pod gets its address again, and it waits for it", STICKY, [
    ["add", "db-0", "2"],
    ["add", "db-1", "3"],
    ["del", "db-1"],
    ["del", "db-0"],
    ["seconds", 3_599],
    ["add", "web", "4"],
    ["add", "db-1", "3"],
    ["add", "db-0", "2"],
  ]],
  ["each interface of a StatefulSet's pod gets its own address again", STICKY, [
    ["add", "db-0", "2"],
    ["add", "db-0 on net1", "3"],
    ["del", "db-0"],
    ["del", "db-0 on net1"],
    ["add", "db-0", "2"],
    ["add", "db-0 on net1", "3"],
  ]],
  ["an address that waited too long is anybody's", STICKY, [
    ["add", "db-0", "2"],
    ["del", "db-0"],
    ["seconds", 3_600],
    ["add", "web", "2"],
    ["add", "db-0", "3"],
    ["del", "db-0"],
    ["del", "web"],
    ["add", "db-0", "3"],
  ]],
  ["a StatefulSet's pod that asks for an address gets that one", STICKY, [
    ["add", "db-0", "2"],
    ["del", "db-0"],
    ["add", "db-0 asks for 10.0.0.6", "6"],
    ["del", "db-0 asks for 10.0.0.6"],
    ["add", "db-0", "6"],
  ]],
  ["the address of any other pod waits for nobody", STICKY, [
    ["add", "web", "2"],
    ["del", "web"],
    ["add", "web", "3"],
    ["seconds", 60],
    ["add", "db-0", "2"],
  ]],
  ["nothing is sticky that is not configured so", DENSE, [
    ["add", "db-0", "2"],
    ["del", "db-0"],
    ["add", "db-0", "3"],
  ]],
];

for (const [what, ipam, scene] of SCENES) {
  Deno.test(`reserveLease, releaseLease: ${what}`, async () => {
    await using temporary = await makeTemporaryStore();
    await play(temporary.store, ipam, scene);
    await assertConsistent(temporary.store);
  });
}

Deno.test("reserveLease: ends a few rests that are due on its way", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ids = Array.from({ length: 10 }, (_, i) => `c${i}`);
  const ipam = { subnet: "10.0.0.0/24", cooldown: "60s" };
  const at = (seconds: number) => ({ bootId: "boot-1", uptimeMs: seconds * 1_000, nowMs: 0 });
  const given = [];
  for (const id of ids) given.push(await reserve(store, id, ipam, at(0)));
  for (const { key } of given) await store.write((tx) => releaseLease(tx, key, at(0)));
  const left = [];
  for (const id of ["d1", "d2", "d3", "d4"]) {
    await reserve(store, id, ipam, at(60));
    left.push((await store.read((reader) => listResting(reader, "pods"))).length);
  }
  assertEquals(left, [6, 2, 0, 0]);
  await assertConsistent(store);
});

Deno.test("reserveLease: a rest that is over takes no address from who has it", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const now = { bootId: "boot-1", uptimeMs: 5_000, nowMs: 0 };
  await reserve(store, "c1", DENSE, now);
  await store.write((tx) =>
    tx.set(restingKey("pods", 4_000, parseAddress("10.0.0.2")), {
      bootId: "boot-1",
      last: { key: { network: "pods", containerId: "c0", ifname: "eth0" }, pod: {} },
    })
  );
  assertEquals(addressOf(await reserve(store, "c2", DENSE, now)), "10.0.0.3");
  await assertConsistent(store);
});

Deno.test("restoreRest: only for an address that is free", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const now = { bootId: "boot-1", uptimeMs: 0, nowMs: 0 };
  const last = { key: { network: "pods", containerId: "c0", ifname: "eth0" }, pod: {} };
  const restAt = (text: string, untilUptimeMs: number) =>
    store.write((tx) => {
      const address = parseAddress(text);
      return restoreRest(tx, { network: "pods", address, untilUptimeMs, bootId: "boot-1", last });
    });
  const { addresses: [leased] } = await reserve(store, "c1", DENSE, now);
  assertEquals(leased && formatAddress(leased.address.address), "10.0.0.2");
  await restAt("10.0.0.2", 60_000);
  await restAt("10.0.0.3", 60_000);
  await restAt("10.0.0.3", 90_000);
  const resting = await store.read((reader) => listResting(reader));
  assertEquals(
    resting.map(({ address, untilUptimeMs }) => [formatAddress(address), untilUptimeMs]),
    [["10.0.0.3", 60_000]],
  );
  await assertConsistent(store);
});

Deno.test("listResting: tells them by the end of their rest, of a network or of all", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const now = { bootId: "boot-1", uptimeMs: 5_000, nowMs: 0 };
  for (const [network, cooldown] of [["pods", "2s"], ["pods", "1s"], ["other", 0.5]] as const) {
    const ipam = { subnet: "10.0.0.0/24", cooldown };
    const { key } = await reserve(store, `c${cooldown}`, ipam, now, network);
    await store.write((tx) => releaseLease(tx, key, now));
  }
  const list = (network?: string, limit?: number) =>
    store.read(async (reader) =>
      (await listResting(reader, network, limit)).map((one) =>
        `${one.network} ${formatAddress(one.address)} ${one.untilUptimeMs} ${one.bootId}`
      )
    );
  const [first, second] = ["pods 10.0.0.3 6000 boot-1", "pods 10.0.0.2 7000 boot-1"];
  assertEquals(await list("pods"), [first, second]);
  assertEquals(await list("pods", 1), [first]);
  assertEquals(await list(), ["other 10.0.0.2 5500 boot-1", first, second]);
});

Deno.test("listResting: tells who had an address", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const now = { bootId: "boot-1", uptimeMs: 5_000, nowMs: 0 };
  const { key } = await reserve(store, "c1", DENSE, now, "pods", "web");
  await store.write((tx) => releaseLease(tx, key, now));
  const resting = await store.read((reader) => listResting(reader));
  assertEquals(resting.map(({ last }) => last), [
    { key, pod: { namespace: "default", name: "web" } },
  ]);
});

async function play(store: Store, ipam: unknown, scene: Scene): Promise<void> {
  const leases = new Map<string, Lease>();
  let now: Now = { bootId: "boot-1", uptimeMs: 7_200_000, nowMs: 1_700_000_000_000 };
  for (const [at, step] of scene.entries()) {
    if (step[0] === "reboot") now = { ...now, bootId: `boot-${at}`, uptimeMs: 10_000 };
    else if (step[0] === "clock back") now = { ...now, nowMs: now.nowMs - step[1] * 1_000 };
    else if (step[0] === "seconds") now = { ...now, uptimeMs: now.uptimeMs + step[1] * 1_000 };
    else if (step[0] === "add") {
      const [, pod, digit] = step;
      const adding = reserve(store, `c${at}`, ipam, now, "pods", pod);
      if (digit === "none") {
        await assertRejects(() => adding, ConfigError, "no IP addresses");
        continue;
      }
      const lease = await adding;
      assertEquals(addressOf(lease), `10.0.0.${digit}`, `step ${at}: ${pod}`);
      leases.set(pod, lease);
    } else {
      const key = leases.get(step[1])?.key;
      const rest = step[0] === "del" ? now : "unused";
      assertExists(key && await store.write((tx) => releaseLease(tx, key, rest)));
    }
  }
}

/** Both clocks. */
interface Now extends Moment {
  readonly nowMs: number;
}

/** @param pod its name, its interface if it is not `eth0`, and the address that it asks for. */
function reserve(
  store: Store,
  containerId: string,
  ipam: unknown,
  now: Now,
  network = "pods",
  pod = "web",
): Promise<Lease> {
  const [place = "", argsIp] = pod.split(" asks for ");
  const [name = "", ifname] = place.split(" on ");
  return store.write((tx) =>
    reserveLease(tx, {
      ...now,
      key: keyOf(containerId, network, ifname),
      pod: { namespace: "default", name },
      netns: `/run/netns/${containerId}`,
      hostNetns: "net:[1]",
      random: () => 0,
      config: parseIpamConfig({ network, ipam, argsIp }),
      ipam,
    })
  );
}

function addressOf({ addresses: [first] }: Lease): string {
  return first ? formatAddress(first.address.address) : "";
}
