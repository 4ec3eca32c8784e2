/** Our links, and what podman keeps of its containers, bring a lost store back. */
import { assertEquals } from "@std/assert";
import { headcni } from "./network.ts";
import { type PodmanHost, podmanTest } from "./podman.ts";

/** What a lease says of a pod, whenever it was written. */
interface Lease {
  readonly containerId: string;
  readonly pool: string;
  readonly addresses: readonly unknown[];
  readonly pod: unknown;
  readonly netns: string;
  readonly restMs: number;
}

const NETWORKS = [{ name: "pods", plugins: [headcni("10.89.0.0/24")] }];

podmanTest("leases outlive their store, and say what they said", NETWORKS, async (host) => {
  const ids: string[] = [];
  for (const name of ["red", "blue"]) ids.push(await host.startContainer(name));
  const before = await leases(host);
  await host.run("sh", "-c", `rm ${host.store}/state.kv*`);
  await host.startContainer("green");
  const after = await leases(host);
  assertEquals(after.filter(({ containerId }) => ids.includes(containerId)), before);
  assertEquals(new Set(after.map(({ addresses }) => JSON.stringify(addresses))).size, 3);
});

async function leases(host: PodmanHost): Promise<Lease[]> {
  const list = [`${host.folder}/bin/headcni`, "ipam", "ls", "--store", host.store, "-o", "json"];
  const { leases }: { leases: Lease[] } = JSON.parse(await host.run(...list));
  return leases.map(({ containerId, pool, addresses, pod, netns, restMs }) => {
    return { containerId, pool, addresses, pod, netns, restMs };
  });
}
