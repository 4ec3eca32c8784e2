import { assertEquals, assertRejects } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import type { AttachmentKey } from "../attachment.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import { claimOf, formatClaim, type HostPort } from "../net/host_port.ts";
import { putAttachment } from "./attachments.ts";
import {
  claimPorts,
  findRivals,
  freePorts,
  listPorts,
  MAX_HOST_PORTS,
  type OwnedPort,
  restorePort,
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
  ];
  for (const [first, second, isTaken] of cases) {
    await using temporary = await makeTemporaryStore();
    const { store } = temporary;
    await claim(store, ONE, first);
    await claim(store, ONE, first); // a repeat
    const name = `${formatClaim(claimOf(first))}, then ${formatClaim(claimOf(second))}`;
    const rivals = await store.read((reader) => findRivals(reader, TWO, claimOf(second)));
    assertEquals(rivals, isTaken ? [{ claim: claimOf(first), owner: ONE }] : [], name);
    if (isTaken) {
      const error = await assertRejects(
        () => claim(store, TWO, second),
        ConfigError,
        "pods/c1/eth0",
      );
      assertEquals(error.reason, "port-taken", name);
    } else await claim(store, TWO, second);
    assertEquals((await list(store)).length, isTaken ? 1 : 2, name);
  }
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

Deno.test("freePorts: frees what is the attachment's, exactly as it was claimed", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const [any4, any6] = [port({}), port({ target: "fd00::5" })];
  const single = port({ hostPort: 81, hostIp: "192.0.2.1" });
  await claim(store, ONE, any4, single);
  await claim(store, TWO, any6);
  const cases: [AttachmentKey, HostPort, string[]][] = [
    [TWO, any4, ["tcp 80", "tcp 80", "tcp 192.0.2.1:81"]],
    [ONE, port({ hostIp: "192.0.2.1" }), ["tcp 80", "tcp 80", "tcp 192.0.2.1:81"]],
    [ONE, port({ hostPort: 82 }), ["tcp 80", "tcp 80", "tcp 192.0.2.1:81"]],
    [ONE, any4, ["tcp 80", "tcp 192.0.2.1:81"]],
    [ONE, any4, ["tcp 80", "tcp 192.0.2.1:81"]],
    [TWO, any6, ["tcp 192.0.2.1:81"]],
    [ONE, single, []],
  ];
  for (const [key, freed, left] of cases) {
    await store.write((tx) => freePorts(tx, key, [claimOf(freed)]));
    assertEquals((await list(store)).map((owned) => formatClaim(owned.claim)), left);
  }
});

Deno.test("claimPorts, freePorts: as many as one commit takes, and a clear word beyond", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ports = Array.from({ length: MAX_HOST_PORTS }, (_, i) => port({ hostPort: i + 1 }));
  await claim(store, ONE, ...ports);
  assertEquals((await list(store)).length, MAX_HOST_PORTS);
  await assertRejects(
    () => claim(store, ONE, ...ports, port({ hostPort: 1000 })),
    ConfigError,
    "it wants 101 host ports, 100 can be mapped",
  );
  await store.write((tx) => freePorts(tx, ONE, ports.map(claimOf)));
  assertEquals(await list(store), []);
});

Deno.test("restorePort, listPorts: what is put back is what is listed", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const owned = [port({}), port({ protocol: "udp", hostIp: "fd00::1", target: "fd00::5" })]
    .map((each) => ({ claim: claimOf(each), owner: TWO }));
  await store.write((tx) => owned.forEach((each) => restorePort(tx, each)));
  assertEquals(await list(store), owned);
});

Deno.test("listPorts: an owner that nobody can read is damage", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => tx.set(["port", "tcp", 80, new Uint8Array(4)], "pods"));
  const error = await assertRejects(() => list(store), StoreError, 'owner of port "tcp 80"');
  assertEquals(error.reason, "store-damaged");
});

function claim(store: Store, key: AttachmentKey, ...ports: HostPort[]): Promise<void> {
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
