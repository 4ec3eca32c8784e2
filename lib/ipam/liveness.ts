/** Whether a lease may be taken away: only what is proven dead twice. */

/** What was seen of a lease and of its pod. */
export interface LeaseFacts {
  /** Path of the pod's network namespace, empty when it is not known. */
  readonly netns: string;
  /** What is at that path; `unknown` when it could not be seen from here even if it were there. */
  readonly netnsState: "present" | "gone" | "unknown";
  /** Boot of the lease, empty when it is not known. */
  readonly leaseBootId: string;
  /** The present boot. */
  readonly bootId: string;
  /** Time since the lease was made in milliseconds, by a clock that begins with each boot. */
  readonly ageMs: number;
  /** A lease younger than that, in milliseconds, may have an ADD that is not over. */
  readonly graceMs: number;
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

/**
 * Judges a lease. It is dead when its network namespace is gone and one more thing says so: it is of
 * another boot, its host link is gone, or the runtime has no result of it. A link with its alias is
 * life, and so are a namespace that cannot be seen and youth in the same boot.
 */
export function judgeLease(facts: LeaseFacts): Judgement {
  const reason = signOfLife(facts);
  if (reason !== undefined) return { dead: false, reason };
  const gone = `network namespace "${facts.netns}" is gone`;
  const further = furtherProofs(facts);
  return further.length > 0
    ? { dead: true, proofs: [gone, ...further] }
    : { dead: false, reason: `${gone}, but nothing else says that it is dead` };
}

/** What forbids to call it dead, whatever else was seen. */
function signOfLife(facts: LeaseFacts): string | undefined {
  const { netns, netnsState, linkWithAlias, ageMs, graceMs } = facts;
  if (linkWithAlias !== undefined) return `link "${linkWithAlias}" has its alias`;
  if (netns === "") return "its network namespace is not known";
  if (netnsState === "present") return `network namespace "${netns}" is there`;
  if (netnsState === "unknown") return `network namespace "${netns}" cannot be seen from here`;
  if (!isOfAnotherBoot(facts) && ageMs < graceMs) return "it is younger than the grace period";
  return undefined;
}

function furtherProofs(facts: LeaseFacts): string[] {
  const { recordedLink, isCached } = facts;
  return [
    ...isOfAnotherBoot(facts) ? ["it is of an earlier boot"] : [],
    ...recordedLink !== undefined ? [`its host link "${recordedLink}" is gone`] : [],
    ...isCached === false ? ["the runtime has no result of it"] : [],
  ];
}

/** An unknown boot proves nothing. */
function isOfAnotherBoot({ leaseBootId, bootId }: LeaseFacts): boolean {
  return leaseBootId !== "" && leaseBootId !== bootId;
}
