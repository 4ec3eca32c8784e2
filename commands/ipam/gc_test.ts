import { assertEquals } from "@std/assert";
import type { AttachContext } from "../../lib/attach/context.ts";
import { parseNetworkConfig } from "../../lib/cni/network_config.ts";
import type { Request } from "../../lib/cni/request.ts";
import { parseIpamConfig } from "../../lib/ipam/config.ts";
import { listLeases, reserveLease } from "../../lib/store/leases.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { gc } from "./gc.ts";

Deno.test("gc: without a list, releases only leases of another boot whose namespace is gone", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options } = temporary;
  const leases: [string, { bootId: string; netns: string }][] = [
    ["old-gone", { bootId: "boot-1", netns: `${options.directory}/absent` }],
    ["old-there", { bootId: "boot-1", netns: options.directory }],
    ["new-gone", { bootId: "boot-2", netns: `${options.directory}/absent` }],
  ];
  const ipam = { subnet: "10.244.0.0/24" };
  const config = parseIpamConfig({ network: "pods", ipam });
  const common = { pod: {}, nowMs: 0, uptimeMs: 0, random: () => 0, config, ipam };
  for (const [containerId, origin] of leases) {
    const key = { network: "pods", containerId, ifname: "eth0" };
    const request = { key, ...common, ...origin };
    await store.write((tx) => reserveLease(tx, request));
  }
  await gc(gcRequest(), contextOf(options.directory, options.runDirectory, "boot-2"));
  const left = await store.read((reader) => listLeases(reader));
  assertEquals(left.map(({ key }) => key.containerId), ["new-gone", "old-there"]);
});

function gcRequest(): Request {
  const raw = { cniVersion: "1.1.0", name: "pods", ipam: {} };
  return {
    verb: "GC",
    containerId: "",
    netns: "",
    ifname: "",
    argsText: "",
    args: new Map(),
    pod: {},
    path: [],
    config: parseNetworkConfig(raw, "1.1.0", "GC"),
  };
}

/** A node that has a boot id and nothing else: GC of addresses needs no kernel. */
function contextOf(dataDirectory: string, runDirectory: string, bootId: string): AttachContext {
  const refuse = () => {
    throw new Error("the kernel was asked");
  };
  return {
    node: { openHost: refuse, openFirewall: refuse, bootId: () => bootId, uptimeMs: () => 0 },
    runDirectory,
    dataDirectory,
    allowOwnNetns: false,
    nowMs: () => 0,
    random: () => 0,
    resultsDirectory: `${dataDirectory}/results`,
    self: [],
  };
}
