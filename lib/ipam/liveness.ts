/** Whether a lease may be taken away: only what is proven dead twice. */

/** What was seen of a network namespace by its path. */
export interface NetnsFacts {
  /** The path, empty when it is not known. */
  readonly netns: string;
  /** Something is at the path. */
  readonly hasNetns: boolean;
  /** The directory that the path is in is there: without it we may not see namespaces at all. */
  readonly hasNetnsDirectory: boolean;
  /** Our process ids are those of the machine: `PROC_PID_INIT_INO`, linux/proc_ns.h. */
  readonly isInitialPidNamespace: boolean;
}

/** What was seen of a lease and of its pod. */
export interface LeaseFacts extends NetnsFacts {
  /** Boot of the lease, empty when it is not known. */
  readonly leaseBootId: string;
  /** The present boot. */
  readonly bootId: string;
  /** Network namespace of the host links when the lease was made, empty when it is not known. */
  readonly leaseHostNetns: string;
  /** Our own network namespace, whose links we see. */
  readonly hostNetns: string;
  /** Time since the lease was made in milliseconds, by a clock that begins with each boot. */
  readonly ageMs: number;
  /** Name of a link of the host that has the alias of the attachment. */
  readonly linkWithAlias: string | undefined;
  /** Name of the host link that the attachment record tells of. */
  readonly recordedLink: string | undefined;
  /** Whether the runtime's cache has a result of the attachment; undefined when there is none. */
  readonly isCached: boolean | undefined;
}

/** Dead by at least two proofs, or alive for a reason. */
export type Judgement =
  | { readonly dead: true; readonly proofs: string[] }
  | { readonly dead: false; readonly reason: string };

/** `/proc/<pid>/...` goes with its process, directory and all; proc(5). */
const OF_A_PROCESS = /^\/proc\/\d+\//;

/**
 * Judges a lease. It is dead when its network namespace is gone and one more thing says so: it is of
 * another boot, its host link is gone, or the runtime has no result of it. One whose namespace is not
 * known is dead when it is of another boot and has neither link nor result: no namespace outlives its
 * boot. A link with its alias is life, and so are a namespace that cannot be seen, links that cannot
 * be seen, and youth in the same boot.
 * @param graceMs a lease younger than that may have an ADD that is not over.
 */
export function judgeLease(facts: LeaseFacts, graceMs: number): Judgement {
  const reason = signOfLife(facts, graceMs);
  if (reason !== undefined) return { dead: false, reason };
  const further = furtherProofs(facts);
  if (facts.netns === "") return { dead: true, proofs: ["no link has its alias", ...further] };
  const gone = `network namespace "${facts.netns}" is gone`;
  return further.length > 0
    ? { dead: true, proofs: [gone, ...further] }
    : { dead: false, reason: `${gone}, but nothing else says that it is dead` };
}

/** True when no namespace is at the path, and it could be seen if there were one. */
export function isProvenGone(facts: NetnsFacts): boolean {
  return facts.netns !== "" && !facts.hasNetns && canSeeNamespace(facts);
}

/** What forbids to call it dead, whatever else was seen. */
function signOfLife(facts: LeaseFacts, graceMs: number): string | undefined {
  const { netns, linkWithAlias } = facts;
  if (linkWithAlias !== undefined) return `link "${linkWithAlias}" has its alias`;
  if (isOfAnotherNetns(facts)) {
    return "made in another network namespace than this one: nothing can be seen from here";
  }
  if (netns === "") {
    const isOver = isOfAnotherBoot(facts) && facts.isCached !== true;
    return isOver ? undefined : "its network namespace is not known";
  }
  if (facts.hasNetns) return `network namespace "${netns}" is there`;
  if (!canSeeNamespace(facts)) return `network namespace "${netns}" cannot be seen from here`;
  if (!isOfAnotherBoot(facts) && facts.ageMs < graceMs) {
    return "it is younger than the grace period";
  }
  return undefined;
}

function furtherProofs(facts: LeaseFacts): string[] {
  const { recordedLink, isCached } = facts;
  return [
    ...isOfAnotherBoot(facts) ? ["it is of another boot"] : [],
    ...recordedLink !== undefined ? [`its host link "${recordedLink}" is gone`] : [],
    ...isCached === false ? ["the runtime has no result of it"] : [],
  ];
}

/** Of a process we see something only when we see all of them. */
function canSeeNamespace(facts: NetnsFacts): boolean {
  return OF_A_PROCESS.test(facts.netns) ? facts.isInitialPidNamespace : facts.hasNetnsDirectory;
}

/** With its boot every namespace ends, and the names of namespaces begin anew. */
function isOfAnotherNetns(facts: LeaseFacts): boolean {
  const { leaseHostNetns, hostNetns } = facts;
  return !isOfAnotherBoot(facts) && leaseHostNetns !== "" && leaseHostNetns !== hostNetns;
}

/** An unknown boot proves nothing. */
function isOfAnotherBoot({ leaseBootId, bootId }: LeaseFacts): boolean {
  return leaseBootId !== "" && leaseBootId !== bootId;
}
