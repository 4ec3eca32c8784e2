/** What a runtime with libcni keeps of an ADD, for nodes of a test's own. */
import type { AttachmentKey } from "../../lib/attachment.ts";
import { removeCachedResult, writeCachedResult } from "../fakes/cached_result.ts";
import type { AddResult, NetworkConfig, TestNode, TestPod } from "./plugin.ts";

/** Keeps the result of an ADD. */
export async function keepResult(
  node: TestNode,
  pod: Pick<TestPod, "name" | "path">,
  config: NetworkConfig,
  result: AddResult,
): Promise<void> {
  await writeCachedResult(node.resultsDirectory, keyOf(pod, config), {
    config: JSON.stringify(config),
    netns: pod.path,
    result,
  });
}

/** Removes it, as after DEL. */
export async function forgetResult(
  node: TestNode,
  pod: Pick<TestPod, "name">,
  config: NetworkConfig,
): Promise<void> {
  await removeCachedResult(node.resultsDirectory, keyOf(pod, config));
}

function keyOf(pod: Pick<TestPod, "name">, { name }: NetworkConfig): AttachmentKey {
  return { network: String(name), containerId: pod.name, ifname: "eth0" };
}
