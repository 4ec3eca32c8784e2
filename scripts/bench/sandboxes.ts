/** What a pod's sandbox takes containerd, by the network that it is on. */
import { ContainerdHost, missingContainerd } from "../../tests/e2e/containerd.ts";
import { headcni, type Network } from "../../tests/e2e/network.ts";
import { progress } from "./report.ts";

/** Networks of the same work: a bridge, masquerade, a host port where one is asked for. */
const NETWORKS: readonly (Network & { readonly side: string })[] = [
  {
    side: "headcni",
    name: "ours",
    plugins: [
      headcni("10.98.0.0/24", { bridge: "hcbench0", capabilities: { portMappings: true } }),
    ],
  },
  {
    side: "bridge + host-local + portmap",
    name: "peer",
    plugins: [
      {
        type: "bridge",
        bridge: "cnibench0",
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: "10.99.0.0/24" }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  },
];

/** Names of the samples, ours first. */
export const SANDBOX_CALLS = NETWORKS.map(({ side }) => `${side} RunPodSandbox`);

/**
 * Runs pods on one network and on the other, in turn, and removes them.
 * @param keep takes the milliseconds of a call by its name.
 * @returns why nothing was measured, if so.
 */
export async function measureSandboxes(
  rounds: number,
  keep: (call: string, elapsedMs: number) => void,
): Promise<string | undefined> {
  const missing = missingContainerd();
  if (missing) return missing;
  await using host = await ContainerdHost.start(NETWORKS);
  for (let round = -2; round < rounds; round++) { // the first two warm caches and are dropped
    for (const at of round % 2 ? [0, 1] : [1, 0]) {
      const { name: network = "" } = NETWORKS[at] ?? {};
      const start = performance.now();
      const id = await host.runPod({ name: `bench${at}`, network });
      const elapsedMs = performance.now() - start;
      const { ips } = await host.cri.podState(id);
      if (ips.length !== 1) throw new Error(`${network}: a pod has ${ips.length} addresses`);
      await host.endPod(id);
      if (round >= 0) keep(SANDBOX_CALLS[at] ?? "", elapsedMs);
    }
    progress(`sandboxes: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
  return undefined;
}
