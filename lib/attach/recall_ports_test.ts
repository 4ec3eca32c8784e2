import { assertEquals, assertStringIncludes } from "@std/assert";
import { keyOf } from "../../tests/fakes/lease.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import type { AttachmentKey } from "../attachment.ts";
import { KernelError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { hostLinkName } from "../pod/identity.ts";
import type { OwnedPort } from "../store/ports.ts";
import { recallPorts } from "./recall_ports.ts";

const [A, B, STRANGER] = [keyOf("a"), keyOf("b"), keyOf("stranger")];

Deno.test("recallPorts: the kernel is believed, then what can still be read", async () => {
  await using node = await TracedNode.make();
  node.hostPorts.push(...inKernel(A, port(80)), ...inKernel(STRANGER, port(81)));
  node.hostPorts.push({ port: port(82), link: "" });
  const read = owned(A, port(80), port(83));
  const others = [...owned(B, port(84)), ...owned(STRANGER, port(85))];
  assertEquals(recallPorts([A, B], [...read, ...others], node.context), [
    ...owned(A, port(80), port(83)),
    ...owned(B, port(84)),
  ]);
});

Deno.test("recallPorts: a port has one owner, and the log tells who lost it", async () => {
  await using node = await TracedNode.make();
  node.hostPorts.push(...inKernel(A, port(80)), ...inKernel(B, port(80, "192.0.2.1"), port(81)));
  const log = await logged("error", () => {
    const recalled = recallPorts([A, B], owned(B, port(80)), node.context);
    assertEquals(recalled, [...owned(A, port(80)), ...owned(B, port(81))]);
    return Promise.resolve();
  });
  assertStringIncludes(log, "tcp 192.0.2.1:80 -> 10.9.0.2:8080");
  assertStringIncludes(log, "pods/b/eth0");
  assertEquals(log.trim().split("\n").length, 2);
});

Deno.test("recallPorts: a kernel without packet filter has none, and costs a warning", async () => {
  await using node = await TracedNode.make();
  const read = owned(A, port(80));
  node.openFirewall = () => {
    throw new KernelError("socket", 93, "Cannot open a netlink socket");
  };
  const log = await logged("warn", () => {
    assertEquals(recallPorts([A], read, node.context), read);
    assertEquals(recallPorts([], read, node.context), []);
    return Promise.resolve();
  });
  assertEquals(log.trim().split("\n").length, 1);
  assertStringIncludes(log, "Cannot recall host ports");
});

function inKernel(key: AttachmentKey, ...ports: HostPort[]) {
  return ports.map((port) => ({ port, link: hostLinkName(key) }));
}

function owned(owner: AttachmentKey, ...ports: HostPort[]): OwnedPort[] {
  return ports.map((port) => ({ port, owner }));
}

function port(hostPort: number, hostIp?: string): HostPort {
  return {
    ...{ protocol: "tcp", hostPort, targetPort: 8080 },
    hostIp: hostIp === undefined ? undefined : parseAddress(hostIp),
    target: parseAddress("10.9.0.2"),
  };
}
