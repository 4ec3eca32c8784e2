/** What tells whether the pods of leases still live: namespaces, links, results of the runtime. */
import { byAttachment, formatAttachment } from "../attachment.ts";
import type { LeaseFacts } from "../ipam/liveness.ts";
import type { Host } from "../host/host.ts";
import { hostLinkName, isLinkOf, listAliases } from "../pod/identity.ts";
import type { Attachment } from "../store/attachments.ts";
import type { Lease } from "../store/leases.ts";
import type { AttachContext } from "./context.ts";
import { lookForNetns } from "./left_over.ts";
import { hasResult } from "./result_files.ts";

/** What is asked about: a lease, or an attachment that has none. */
export type Suspect = Pick<Lease, "key" | "netns" | "bootId" | "createdUptimeMs" | "hostNetns">;

/** Answers what is known now of a suspect and of what ADD recorded of it. */
export type Evidence = (suspect: Suspect, recorded: Attachment | undefined) => LeaseFacts;

/**
 * Looks at the links of the node at once; namespaces and results are looked at when they are asked
 * for.
 * @throws KernelError when the links cannot be listed: without them nothing is proven.
 */
export function gatherEvidence(context: AttachContext): Evidence {
  using host = context.node.openHost();
  const linkOf = findLinks(host);
  const bootId = context.node.bootId();
  const uptimeMs = context.node.uptimeMs();
  const hostNetns = context.node.netns();
  return (suspect, recorded) => ({
    ...lookForNetns(suspect.netns || recorded?.netns || ""),
    leaseBootId: suspect.bootId,
    bootId,
    leaseHostNetns: suspect.hostNetns,
    hostNetns,
    ageMs: uptimeMs - suspect.createdUptimeMs,
    linkWithAlias: linkOf(suspect.key),
    recordedLink: recorded?.hostLink,
    isCached: hasResult(context.resultsDirectory, suspect.key),
  });
}

/** Finds the link of an attachment by its alias, or, before it has one, by name and group. */
function findLinks(host: Host): (key: Lease["key"]) => string | undefined {
  const links = host.listLinks("host");
  const aliasOf = byAttachment(listAliases(links));
  const byName = new Map(links.map((link) => [link.name, link]));
  return (key) => {
    const named = byName.get(hostLinkName(key));
    return aliasOf.get(formatAttachment(key))?.link ??
      (named && isLinkOf(key, named) ? named.name : undefined);
  };
}
