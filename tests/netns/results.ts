/** What a runtime with libcni keeps of an ADD, for nodes of a test's own. */
import type { AddResult, NetworkConfig, TestNode, TestPod } from "./plugin.ts";

/** Writes the result of an ADD as libcni does: `cacheAdd` in libcni/api.go. */
export async function keepResult(
  node: TestNode,
  pod: Pick<TestPod, "name" | "path">,
  config: NetworkConfig,
  result: AddResult,
): Promise<void> {
  const cached = {
    kind: "cniCacheV1",
    containerId: pod.name,
    config: btoa(JSON.stringify(config)),
    ifName: "eth0",
    networkName: config.name,
    netns: pod.path,
    result,
  };
  await Deno.mkdir(node.resultsDirectory, { recursive: true });
  await Deno.writeTextFile(resultPath(node, pod, config), JSON.stringify(cached));
}

/** Removes it, as libcni does after DEL. */
export async function forgetResult(
  node: TestNode,
  pod: Pick<TestPod, "name">,
  config: NetworkConfig,
): Promise<void> {
  await Deno.remove(resultPath(node, pod, config));
}

function resultPath(node: TestNode, pod: Pick<TestPod, "name">, config: NetworkConfig): string {
  return `${node.resultsDirectory}/${config.name}-${pod.name}-eth0`;
}
