/**
 * ADD: lease and intent are committed before the first change to the kernel, the outcome after the
 * last; whatever fails in between is undone in reverse order.
 */
import { formatAttachment } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import type { Request } from "../cni/request.ts";
import { joinResults, type Result } from "../cni/result.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { podMtu, resolveAddressing } from "../pod/addresses.ts";
import { parsePodNetwork, type PodNetwork } from "../pod/config.ts";
import type { PodIdentity } from "../pod/facts.ts";
import { isLinkOf } from "../pod/identity.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import { planPod, podResult } from "../pod/plan.ts";
import {
  type Attachment,
  findAttachment,
  forgetAttachment,
  putAttachment,
} from "../store/attachments.ts";
import type { Store } from "../store/store.ts";
import type { StoreReader } from "../store/transaction.ts";
import { type AttachContext, podIdentity } from "./context.ts";
import { allocateForeign, callForeignIpam } from "./foreign_ipam.ts";
import { ensureMasquerade, prepareNode } from "./prepare_node.ts";
import { openRequestStore } from "./open_store.ts";
import { type IpamAnswer, ownAnswer, parseOwnIpam, reserveOwn } from "./own_ipam.ts";
import { counted, postponeRelease } from "./postpone.ts";
import { writeReclaiming } from "./reclaim.ts";

/**
 * Gives the pod its link, addresses and routes.
 * @throws ConfigError, KernelError, StoreError or ClientError; then nothing of the pod is left, or
 * what could not be undone is still recorded, and its address still taken, for DEL or GC.
 */
export function attach(request: Request, context: AttachContext): Promise<Result> {
  return counted(request, context, () => attachPod(request, context));
}

async function attachPod(request: Request, context: AttachContext): Promise<Result> {
  const network = parsePodNetwork(request.config, request.args.get("MAC"));
  for (const warning of network.warnings) log.warn(warning, { network: request.config.name });
  const { netns } = request;
  using host = context.node.openHost({ netns, allowOwnNetns: context.allowOwnNetns });
  const identity = podIdentity(request);
  refuseTaken(host, identity);
  await using store = await openRequestStore(request, context);
  await using undo = new AsyncDisposableStack();
  const attachment = attachmentRecord(request, identity, context);
  const recorded: Recorded = { request, context, attachment, store, undo, isStuck: false };
  const answer = await allocate(recorded, network);
  const addressing = resolveAddressing(network, answer);
  const facts = await prepareNode(host, network, attachment, addressing, store);
  removeOwnLink(host, identity); // what an ADD left that the store knows nothing of
  undo.defer(() => undoLink(host, identity, recorded));
  for (const step of planPod(network, identity, addressing, facts)) host.apply(step);
  ensureMasquerade(network, addressing, context.node);
  const result = podResult(network, identity, addressing, {
    mtuBytes: podMtu(network, facts.uplinkMtuBytes),
    netns,
    bridgeMac: host.findLink("host", network.bridge)?.mac,
    hostMac: host.findLink("host", identity.hostLink)?.mac,
    podMac: host.findLink("pod", request.ifname)?.mac,
  });
  await store.write((tx) => putAttachment(tx, { ...attachment, phase: "added" }));
  undo.move();
  return joinResults(request.config.prevResult, {
    ...result,
    dns: { ...answer.dns, ...network.dns },
  });
}

/** An ADD that the store knows of, or is about to. */
interface Recorded {
  readonly request: Request;
  readonly context: AttachContext;
  readonly attachment: Attachment;
  readonly store: Store;
  readonly undo: AsyncDisposableStack;
  /** Set when something could not be undone: the record stays, for DEL or GC to finish the work. */
  isStuck: boolean;
}

/** What the store remembers of an ADD, so that DEL can undo it without today's configuration. */
function attachmentRecord(
  request: Request,
  { key, pod, hostLink }: PodIdentity,
  context: AttachContext,
): Attachment {
  return {
    key,
    phase: "adding",
    pod,
    netns: request.netns,
    bootId: context.node.bootId(),
    createdMs: context.nowMs(),
    hostLink,
    config: request.config.raw,
  };
}

/**
 * Commits the intent, with our own lease in the same commit, or asks a foreign IPAM plugin.
 * @throws ConfigError `already-attached` for a second ADD without a DEL: what is there stays.
 */
async function allocate(recorded: Recorded, network: PodNetwork): Promise<IpamAnswer> {
  const { request, context, attachment, store, undo } = recorded;
  const ipam = hasForeignIpam(request.config.raw) ? undefined : parseOwnIpam(request, network);
  const lease = await writeReclaiming(store, request, context, async (tx) => {
    await requireUnattached(tx, attachment);
    putAttachment(tx, attachment);
    return ipam && await reserveOwn(tx, request, ipam, context);
  });
  undo.defer(() => forgetFailed(recorded));
  if (ipam && lease) return ownAnswer(lease, ipam);
  const answer = await allocateForeign(request);
  undo.defer(() => undoForeign(recorded));
  return answer;
}

async function requireUnattached(tx: StoreReader, { key }: Attachment): Promise<void> {
  if (!await findAttachment(tx, key)) return;
  throw new ConfigError(
    "already-attached",
    `Cannot attach "${formatAttachment(key)}": it is attached already; DEL must come first`,
  );
}

/** Refuses a pod that has such an interface, and a name of ours that somebody else's link has. */
function refuseTaken(host: Host, { key, hostLink }: PodIdentity): void {
  if (host.findLink("pod", key.ifname)) {
    throw new ConfigError(
      "already-attached",
      `Cannot add interface "${key.ifname}" to container "${key.containerId}": ` +
        `the pod has an interface of that name`,
    );
  }
  const present = host.findLink("host", hostLink);
  if (!present || isLinkOf(key, present)) return;
  throw new ConfigError(
    "already-attached",
    `Cannot create link "${hostLink}" for container "${key.containerId}": ` +
      `a link of that name is there and is not ours (alias "${present.alias ?? ""}")`,
  );
}

/** Removes the host's link of this attachment, if there is one. */
function removeOwnLink(host: Host, { key, hostLink }: PodIdentity): void {
  const link = host.findLink("host", hostLink);
  if (!link || !isLinkOf(key, link)) return;
  host.apply({ kind: "remove-link", place: "host", name: hostLink });
}

/** An undo: reports its own failure to the log and throws nothing. */
function undoLink(host: Host, identity: PodIdentity, recorded: Recorded): void {
  try {
    removeOwnLink(host, identity);
  } catch (error) {
    recorded.isStuck = true;
    log.warn("Cannot remove the link of a failed ADD", { ...identity.key, error });
  }
}

/** An undo, as {@linkcode undoLink}. */
async function undoForeign(recorded: Recorded): Promise<void> {
  try {
    await callForeignIpam("DEL", recorded.request);
  } catch (error) {
    recorded.isStuck = true;
    log.warn("Cannot release the address of a failed ADD", { ...recorded.attachment.key, error });
  }
}

/** An undo, as {@linkcode undoLink}; keeps the lease and the record of what is still there. */
async function forgetFailed(recorded: Recorded): Promise<void> {
  const { request, context, attachment: { key }, store, isStuck } = recorded;
  if (isStuck) return;
  try {
    await store.write((tx) => forgetAttachment(tx, key, "unused"))
      .catch((error) => postponeRelease(error, request, context));
  } catch (error) {
    log.warn("Cannot release the lease of a failed ADD", { ...key, error });
  }
}
