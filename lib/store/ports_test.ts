import { assertEquals, assertRejects } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { leaseOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import type { AttachmentKey } from "../attachment.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import { claimOf, formatClaim, type HostPort } from "../net/host_port.ts";
import { forgetAttachment, putAttachment } from "./attachments.ts";
import { portKey } from "./keys.ts";
import { LEASES_PER_COMMIT, restoreLease } from "./leases.ts";
import {
  claimPorts,
  freePorts,
  listPorts,
  MAX_HOST_PORTS,
  type OwnedPort,
  takePorts,
} from "./ports.ts";
import type { Store } from "./store.ts";

const ONE: AttachmentKey = { network: "pods", containerId: "c1", ifname: "eth0" };
const TWO: AttachmentKey = { network: "other", containerId: "c2", ifname: "net1" };

Deno.test("claimPorts: a port has one owner, in whatever network", async () => {
  const any4 = port({});
  const any6 = port({ target: "fd00::5" });
  const single = port({ hostIp: "192.0.2.1" });
  const cases: [HostPort, HostPort, boolean][] = [
    [any4, any4, true],
    [any4, single, true],
    [single, any4, true],
    [single, single, true],
    [any4, any6, false],
    [any6, port({ hostIp: "fd00::1", target: "fd00::6" }), true],
    [single, port({ hostIp: "192.0.2.2" }), false],
    [any4, port({ protocol: "udp" }), false],
    [any4, port({ hostPort: 81 }), false],
    [any4, port({ hostPort: 80 + 16_384 }), false],
  ];
  for (const [first, second, isTaken] of cases) {
    await using temporary = await makeTemporaryStore();
    const { store } = temporary;
    assertEquals(await claim(store, ONE, first), [first]);
    assertEquals(await claim(store, ONE, first), [first]); // a repeat
    const name = `${formatClaim(claimOf(first))}, then ${formatClaim(claimOf(second))}`;
    if (isTaken) {
      const error = await assertRejects(
        () => claim(store, TWO, second),
        ConfigError,
        "pods/c1/eth0",
      );
      assertEquals(error.reason, "port-taken", name);
    } else assertEquals(await claim(store, TWO, second), [second]);
    assertEquals((await list(store)).length, isTaken ? 1 : 2, name);
    await assertConsistent(store);
  }
});

Deno.test("claimPorts: what another network of the container has is left out", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const second = { ...ONE, network: "other", ifname: "eth1" };
  const [first, free, strange] = [port({}), port({ hostPort: 81 }), port({ hostPort: 82 })];
  await claim(store, ONE, first);
  assertEquals(await claim(store, second, first, free), [free]);
  assertEquals(await list(store), [
    { port: free, owner: second },
    { port: first, owner: ONE },
  ]);
  await claim(store, TWO, strange);
  await assertRejects(() => claim(store, second, first, strange), ConfigError, "other/c2/net1");
});

Deno.test("claimPorts: what is claimed by somebody without our lock meanwhile is seen", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await claim(store, ONE, port({ hostIp: "192.0.2.2" }));
  const error = await assertRejects(
    () =>
      store.write(async (tx) => {
        await claimPorts(tx, TWO, [port({ hostIp: "192.0.2.1" })]);
        using kv = await Deno.openKv(`${store.directory}/state.kv`);
        const taken = await Array.fromAsync(kv.list({ prefix: ["taken"] }));
        for (const { key, value } of taken) await kv.set(key, value);
      }),
    StoreError,
  );
  assertEquals(error.reason, "try-again");
});

Deno.test("claimPorts: names the owner's pod where its record does", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await claim(store, ONE, port({}));
  const pods = [
    [{}, ""],
    [{ name: "web" }, " (pod web)"],
    [{ name: "web", namespace: "default" }, " (pod default/web)"],
  ] as const;
  for (const [pod, words] of pods) {
    await store.write((tx) =>
      putAttachment(tx, {
        ...{ key: ONE, phase: "added", pod, netns: "/run/netns/a", bootId: "b" },
        ...{ createdMs: 0, config: {} },
      })
    );
    const error = await assertRejects(() => claim(store, TWO, port({ hostIp: "192.0.2.1" })));
    assertEquals(
      error instanceof Error && error.message,
      `Cannot map host port "tcp 192.0.2.1:80" of IPv4: "pods/c1/eth0"${words} has "tcp 80"; ` +
        `choose another port, or remove that pod`,
    );
  }
});

Deno.test("freePorts: frees what is the attachment's, for whoever comes next", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const [any4, any6] = [port({}), port({ target: "fd00::5" })];
  const single = port({ hostPort: 81, hostIp: "192.0.2.1" });
  const beside = port({ hostPort: 81, hostIp: "192.0.2.2" });
  await claim(store, ONE, any4, single);
  await claim(store, TWO, any6, beside);
  const three = { ...TWO, containerId: "c3" };
  for (let i = 0; i < 2; i++) await store.write((tx) => freePorts(tx, ONE));
  await assertConsistent(store);
  assertEquals((await list(store)).map((owned) => owned.port), [any6, beside]);
  for (const taken of [any6, beside, port({ hostPort: 81 })]) {
    await assertRejects(() => claim(store, three, taken), ConfigError, "other/c2/net1");
  }
  await claim(store, three, any4, single);
  await store.write((tx) => freePorts(tx, TWO));
  await claim(store, three, any6, beside);
});

Deno.test("freePorts: what nobody can read is free too", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await claim(store, ONE, port({}));
  await store.write((tx) => tx.set(portKey(ONE), "many"));
  await store.write((tx) => freePorts(tx, ONE));
  await claim(store, TWO, port({}));
});

Deno.test("claimPorts, freePorts: as many as one attachment may have, and a clear word beyond", async () => {
  const ranges: ((i: number) => HostPort)[] = [
    (i) => port({ hostPort: i + 1 }),
    (i) => port({ hostPort: 32 * i + 1 }),
    (i) => port({ hostPort: 1000 + (i >> 1), target: i % 2 ? "fd00::5" : "10.1.0.5" }),
  ];
  for (const range of ranges) {
    await using temporary = await makeTemporaryStore();
    const { store } = temporary;
    const ports = Array.from({ length: MAX_HOST_PORTS }, (_, i) => range(i));
    assertEquals((await claim(store, ONE, ...ports)).length, MAX_HOST_PORTS);
    await assertRejects(() => claim(store, TWO, ...ports), ConfigError, "pods/c1/eth0");
    await assertRejects(
      () => claim(store, TWO, ...ports, port({})),
      ConfigError,
      "it wants 2001 host ports, 2000 can be mapped",
    );
    assertEquals((await list(store)).length, MAX_HOST_PORTS);
    await assertConsistent(store);
    await store.write((tx) => freePorts(tx, ONE));
    await claim(store, TWO, ...ports);
  }
});

Deno.test("forgetAttachment: as many with all ports that they may have as one commit forgets", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const protocols = ["tcp", "udp", "sctp"] as const;
  const targets = ["10.1.0.5", "fd00::5"];
  const leases = Array.from(
    { length: LEASES_PER_COMMIT },
    (_, i) => leaseOf(`c${i}`, `10.${i}.0.1/24`, `fd00:${i}::1/64`),
  );
  const keys = leases.map(({ key }) => key);
  for (const [i, key] of keys.entries()) {
    const ports = Array.from({ length: MAX_HOST_PORTS }, (_, j) =>
      port({
        hostPort: 1 + 8 * (4 * j) + i,
        protocol: protocols[j % protocols.length] ?? "tcp",
        target: targets[j % targets.length] ?? "",
      }));
    await claim(store, key, ...ports);
  }
  for (const lease of leases) await store.write(async (tx) => void await restoreLease(tx, lease));
  await store.write(async (tx) => {
    for (const key of keys) await forgetAttachment(tx, key, "unused");
  });
  assertEquals(await list(store), []);
});

Deno.test("claimPorts: more than a record holds is refused in clear words", async () => {
  await using temporary = await makeTemporaryStore();
  const ports = Array.from(
    { length: 1000 },
    (_, i) => port({ hostPort: i + 1, hostIp: `192.0.${i >> 8}.${i & 255}` }),
  );
  const error = await assertRejects(() => claim(temporary.store, ONE, ...ports), ConfigError);
  assertEquals(error.reason, "invalid-config");
});

Deno.test("takePorts: what is told of elsewhere is the attachment's, whoever had it", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const [moved, kept] = [port({}), port({ hostPort: 81 })];
  const own = port({ protocol: "udp", hostIp: "fd00::1", target: "fd00::5" });
  await claim(store, ONE, moved, kept);
  await claim(store, TWO, own);
  const single = port({ hostIp: "192.0.2.1", target: "10.244.1.6" });
  await store.write((tx) => takePorts(tx, TWO, [single, own]));
  assertEquals(await list(store), [
    { port: single, owner: TWO },
    { port: own, owner: TWO },
    { port: kept, owner: ONE },
  ]);
  await assertConsistent(store);
  await store.write((tx) => takePorts(tx, TWO, [kept]));
  assertEquals((await list(store)).map(({ owner }) => owner), [TWO, TWO, TWO]);
});

Deno.test("listPorts: ports that nobody can read are damage", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const group = { protocol: "tcp", target: new Uint8Array(4) };
  const runs = [[0, 0, 0, 80, 0, 1], [0, 80, 0, 80, 0, 0], [255, 255, 0, 80, 0, 2], [1, 2]];
  for (
    const value of ["pods", ...runs.map((bytes) => [{ ...group, runs: Uint8Array.from(bytes) }])]
  ) {
    await store.write((tx) => tx.set(portKey(ONE), value));
    const error = await assertRejects(() => list(store), StoreError, '"pods/c1/eth0"');
    assertEquals(error.reason, "store-damaged");
  }
});

function claim(store: Store, key: AttachmentKey, ...ports: HostPort[]): Promise<HostPort[]> {
  return store.write((tx) => claimPorts(tx, key, ports));
}

function list(store: Store): Promise<OwnedPort[]> {
  return store.read(listPorts);
}

interface PortText extends Partial<Pick<HostPort, "protocol" | "hostPort">> {
  readonly hostIp?: string;
  readonly target?: string;
}

function port({ hostIp, target = "10.244.1.5", ...rest }: PortText): HostPort {
  return {
    protocol: "tcp",
    hostPort: 80,
    targetPort: 80,
    ...rest,
    hostIp: hostIp === undefined ? undefined : parseAddress(hostIp),
    target: parseAddress(target),
  };
}
