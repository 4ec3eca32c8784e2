/** Follows this node's object at the API server, through all that may happen to a watch. */
import { errorText } from "../errors.ts";
import { type KubeClient, KubeError, type KubeNode, type NodeEvent } from "../kube/client.ts";
import { log } from "../log.ts";
import { wait } from "./wait.ts";

/** First and longest time between two attempts, in milliseconds. */
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** How long is waited for a way to the API server, in milliseconds: looking for one loads nobody. */
const ACCESS_DELAY_MS = 10_000;
/** HTTP: the version that a watch wants to go on from is forgotten. */
const GONE = 410;
/** HTTP: there is no such node. */
const NOT_FOUND = 404;

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
  readonly accessDelayMs?: number;
}

/**
 * Follows until the signal is aborted; never throws.
 * @param open A client by the access as it is now; asked for another one after each failure, for a
 * certificate may be replaced, and a connection dead. It may throw.
 */
export async function followNode(
  open: () => KubeClient,
  name: string,
  follower: NodeFollower,
  signal: AbortSignal,
  options: FollowOptions = {},
): Promise<void> {
  const {
    firstDelayMs = FIRST_DELAY_MS,
    maxDelayMs = MAX_DELAY_MS,
    accessDelayMs = ACCESS_DELAY_MS,
  } = options;
  let client: KubeClient | undefined;
  let mayAskAtOnce = true;
  let version: string | undefined;
  let delayMs = firstDelayMs;
  while (!signal.aborted) {
    try {
      client ??= open();
      version ??= await look(client, name, follower);
      follower.onTrouble(undefined);
      for await (const event of client.watchNode(name, version, signal)) {
        delayMs = firstDelayMs;
        mayAskAtOnce = true;
        version = tell(event, follower);
        if (version === undefined) break;
      }
      // The server ends every stream after a while; one that does so at once is not asked at once.
      await wait(firstDelayMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof KubeError ? error.status : undefined;
      version = undefined;
      // What is forgotten is asked for anew: at once, unless the answer was forgotten, too.
      if (status === GONE && mayAskAtOnce) {
        mayAskAtOnce = false;
        continue;
      }
      if (status === NOT_FOUND) follower.onNode(undefined);
      follower.onTrouble(errorText(error));
      const retryMs = client ? delayMs : accessDelayMs;
      log.debug("Cannot follow the node", { error, retryMs });
      if (client) delayMs = Math.min(delayMs * 2, maxDelayMs);
      client = undefined;
      await wait(retryMs * (0.5 + Math.random()), signal);
    }
  }
}

/** Answers the version to go on from. */
async function look(client: KubeClient, name: string, follower: NodeFollower): Promise<string> {
  const node = await client.getNode(name);
  follower.onNode(node);
  return node.resourceVersion;
}

/** Answers the version to go on from; undefined when the node is to be asked for anew. */
function tell(event: NodeEvent, follower: NodeFollower): string | undefined {
  if (event.type === "bookmark") return event.resourceVersion;
  const node = event.type === "node" ? event.node : undefined;
  follower.onNode(node);
  return node?.resourceVersion;
}
