import { assertEquals, assertThrows } from "@std/assert";
import { fakeFirewall } from "../../tests/fakes/fake_firewall.ts";
import { keyOf } from "../../tests/fakes/lease.ts";
import { listedHost } from "../../tests/fakes/listed_host.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { ConfigError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import type { HostPort, KernelHostPort } from "../net/host_port.ts";
import type { Link } from "../net/link.ts";
import { hostLinkName } from "../pod/identity.ts";
import type { Attachment } from "../store/attachments.ts";
import { closePorts, openPorts, sweepPorts } from "./host_ports.ts";

const OWN = hostLinkName(keyOf("c1"));

function portOf(hostPort: number): HostPort {
  const target = parseAddress("10.9.0.2");
  return { protocol: "tcp", hostPort, hostIp: undefined, target, targetPort: 80 };
}

function held(hostPort: number, link: string): KernelHostPort {
  return { port: portOf(hostPort), link };
}

function hostWith(...names: readonly string[]) {
  const flags = { mtuBytes: 1280, up: true, promiscuous: false, carrier: true };
  return listedHost(names.map((name, index): Link => ({ index, name, alias: "", ...flags })));
}

function show(ports: readonly KernelHostPort[]): string[] {
  return ports.map(({ port, link }) => `${port.hostPort} ${link}`);
}

Deno.test("openPorts: what leads to a link that is gone makes room", () => {
  const kernel = [held(80, "gone"), held(81, "other")];
  const owner = { link: OWN, networks: [] };
  openPorts(hostWith(OWN, "other"), fakeFirewall(kernel), [portOf(80)], owner);
  assertEquals(show(kernel), ["81 other", `80 ${OWN}`]);
});

Deno.test("openPorts: a port of a pod that is there, or of nobody known, stays its own", () => {
  for (const link of ["other", ""]) {
    const kernel = [held(80, link)];
    const open = () =>
      openPorts(hostWith(OWN, "other"), fakeFirewall(kernel), [portOf(80)], {
        link: OWN,
        networks: [],
      });
    assertEquals(assertThrows(open, ConfigError).reason, "port-taken");
    assertEquals(show(kernel), [`80 ${link}`]);
  }
});

/** DEL of the ports of `c1` on a kernel that has some. */
async function closeOn(
  kernel: KernelHostPort[],
  attachment: Pick<Attachment, "hostPorts"> | undefined,
  runtimeConfig = {},
): Promise<string[]> {
  await using node = await TracedNode.make();
  const { context } = node;
  const recorded = attachment && {
    ...{ key: keyOf("c1"), phase: "added" as const, pod: {}, netns: "", bootId: "", createdMs: 0 },
    ...{ config: {}, ...attachment },
  };
  await closePorts(makeRequest("DEL", { runtimeConfig }), keyOf("c1"), recorded, {
    ...context,
    node: { ...context.node, openFirewall: () => fakeFirewall(kernel) },
  });
  return show(kernel);
}

Deno.test("closePorts: those that ADD recorded, whatever the runtime says now", async () => {
  const kernel = [held(80, OWN), held(81, OWN), held(82, "other")];
  assertEquals(await closeOn(kernel, { hostPorts: [portOf(80), portOf(82)] }), [
    `81 ${OWN}`,
    "82 other",
  ]);
});

Deno.test("closePorts: without a record all that lead to the attachment's link", async () => {
  const kernel = [held(80, OWN), held(81, OWN), held(82, "other")];
  const runtimeConfig = { portMappings: [{ hostPort: 80, containerPort: 80 }] };
  assertEquals(await closeOn(kernel, undefined, runtimeConfig), ["82 other"]);
});

Deno.test("closePorts: nobody looks where there cannot be any", async () => {
  const kernel = [held(80, OWN)];
  const runtimeConfig = { portMappings: [{ hostPort: 80, containerPort: 80 }] };
  assertEquals(await closeOn(kernel, undefined), [`80 ${OWN}`]);
  assertEquals(await closeOn(kernel, {}, runtimeConfig), [`80 ${OWN}`]);
});

Deno.test("sweepPorts: those of links that are gone, and no others", async () => {
  const kernel = [held(80, "gone"), held(81, "other"), held(82, ""), held(83, "gone")];
  await logged("error", () => {
    sweepPorts(hostWith("other"), fakeFirewall(kernel));
    return Promise.resolve();
  });
  assertEquals(show(kernel), ["81 other", "82 "]);
});

Deno.test("sweepPorts: a pod that comes between the two looks keeps its ports", async () => {
  const links: Link[] = [];
  const kernel: KernelHostPort[] = [];
  const firewall = fakeFirewall(kernel);
  const come = () => {
    if (links.length > 0) return;
    links.push(...hostWith("new").listLinks("host"));
    kernel.push(held(80, "new"));
  };
  /** The pod comes after whatever is looked at first. */
  const thenCome = <T>(list: () => readonly T[]) => () => {
    const seen = [...list()];
    come();
    return seen;
  };
  const host = { ...listedHost(links), listLinks: thenCome(() => links) };
  const watched = { ...firewall, listHostPorts: thenCome(() => firewall.listHostPorts()) };
  await logged("error", () => Promise.resolve(void sweepPorts(host, watched)));
  assertEquals(show(kernel), ["80 new"]);
});
