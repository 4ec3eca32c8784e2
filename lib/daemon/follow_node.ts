/** Follows this node's object at the API server, through all that may happen to a watch. */
import { errorText } from "../errors.ts";
import { type KubeClient, KubeError, type KubeNode } from "../kube/client.ts";
import { log } from "../log.ts";

/** First and longest time between two attempts, in milliseconds. */
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** HTTP: the version that a watch wants to go on from is forgotten. */
const GONE = 410;

/** Who is told. */
export interface NodeFollower {
  /** The node as it is now; undefined when there is none of that name. */
  onNode(node: KubeNode | undefined): void;
  /** What keeps us from knowing; undefined when nothing does any more. */
  onTrouble(reason: string | undefined): void;
}

/** How long is waited. */
export interface FollowOptions {
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
}

/** Follows until the signal is aborted; never throws. */
export async function followNode(
  client: KubeClient,
  name: string,
  follower: NodeFollower,
  signal: AbortSignal,
  options: FollowOptions = {},
): Promise<void> {
  const { firstDelayMs = FIRST_DELAY_MS, maxDelayMs = MAX_DELAY_MS } = options;
  let version: string | undefined;
  let delayMs = firstDelayMs;
  while (!signal.aborted) {
    try {
      version ??= await look(client, name, follower);
      follower.onTrouble(undefined);
      for await (const event of client.watchNode(name, version, signal)) {
        delayMs = firstDelayMs;
        if (event.type === "node") follower.onNode(event.node);
        if (event.type === "deleted") follower.onNode(undefined);
        version = event.type === "node"
          ? event.node.resourceVersion
          : event.type === "bookmark"
          ? event.resourceVersion
          : undefined;
        if (version === undefined) break;
      }
      // The server ends every stream after a while; one that does so at once is not asked at once.
      await wait(firstDelayMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      // What is forgotten is asked for anew, at once.
      version = undefined;
      if (error instanceof KubeError && error.status === GONE) continue;
      if (error instanceof KubeError && error.status === 404) follower.onNode(undefined);
      follower.onTrouble(errorText(error));
      log.debug("Cannot follow the node", { error, retryMs: delayMs });
      await wait(delayMs * (0.5 + Math.random()), signal);
      delayMs = Math.min(delayMs * 2, maxDelayMs);
    }
  }
}

/** Answers the version to go on from. */
async function look(client: KubeClient, name: string, follower: NodeFollower): Promise<string> {
  const node = await client.getNode(name);
  follower.onNode(node);
  return node.resourceVersion;
}

async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
