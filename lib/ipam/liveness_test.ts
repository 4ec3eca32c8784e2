import { assertEquals } from "@std/assert";
import { isProvenGone, judgeLease, type LeaseFacts } from "./liveness.ts";

const GRACE_MS = 300_000;

/** All that can be seen of a dead one. */
const DEAD: LeaseFacts = {
  netns: "/run/netns/a",
  hasNetns: false,
  hasNetnsDirectory: true,
  isInitialPidNamespace: false,
  leaseBootId: "b1",
  bootId: "b2",
  leaseHostNetns: "net:[1]",
  hostNetns: "net:[1]",
  ageMs: GRACE_MS,
  linkWithAlias: undefined,
  recordedLink: "veth1",
  isCached: false,
};

/** The same, with a namespace by the number of a process. */
const DEAD_PROCESS: Partial<LeaseFacts> = {
  netns: "/proc/4711/ns/net",
  hasNetnsDirectory: false,
  isInitialPidNamespace: true,
};

const GONE = 'network namespace "/run/netns/a" is gone';
const OTHER_BOOT = "it is of another boot";
const LINK_GONE = 'its host link "veth1" is gone';
const NO_LINK = "no link has its alias";
const ELSEWHERE = "made in another network namespace than this one: nothing can be seen from here";
const NOT_CACHED = "the runtime has no result of it";

/** What differs from {@linkcode DEAD}, and what follows: proofs, or a sign of life. */
const CASES: readonly [Partial<LeaseFacts>, string[] | string][] = [
  [{}, [GONE, OTHER_BOOT, LINK_GONE, NOT_CACHED]],
  [{ recordedLink: undefined, isCached: true }, [GONE, OTHER_BOOT]],
  [{ leaseBootId: "b2", isCached: true }, [GONE, LINK_GONE]],
  [{ leaseBootId: "b2", recordedLink: undefined }, [GONE, NOT_CACHED]],
  [{ leaseBootId: "" }, [GONE, LINK_GONE, NOT_CACHED]],
  [{ ageMs: 0 }, [GONE, OTHER_BOOT, LINK_GONE, NOT_CACHED]],
  [
    { ...DEAD_PROCESS, recordedLink: undefined, isCached: undefined },
    ['network namespace "/proc/4711/ns/net" is gone', OTHER_BOOT],
  ],
  [{ linkWithAlias: "veth1" }, 'link "veth1" has its alias'],
  [{ netns: "", recordedLink: undefined }, [NO_LINK, OTHER_BOOT, NOT_CACHED]],
  [{ netns: "", recordedLink: undefined, isCached: undefined }, [NO_LINK, OTHER_BOOT]],
  [{ netns: "", isCached: true }, "its network namespace is not known"],
  [{ netns: "", leaseBootId: "" }, "its network namespace is not known"],
  [{ netns: "", leaseBootId: "b2" }, "its network namespace is not known"],
  [{ netns: "", linkWithAlias: "veth1" }, 'link "veth1" has its alias'],
  [{ leaseBootId: "b2", hostNetns: "net:[2]" }, ELSEWHERE],
  [{ leaseBootId: "", hostNetns: "net:[2]" }, ELSEWHERE],
  [{ leaseBootId: "b2", leaseHostNetns: "", isCached: true }, [GONE, LINK_GONE]],
  [{ hostNetns: "net:[2]", isCached: true }, [GONE, OTHER_BOOT, LINK_GONE]],
  [{ hasNetns: true }, 'network namespace "/run/netns/a" is there'],
  [{ hasNetnsDirectory: false }, 'network namespace "/run/netns/a" cannot be seen from here'],
  [
    { ...DEAD_PROCESS, hasNetnsDirectory: true, isInitialPidNamespace: false },
    'network namespace "/proc/4711/ns/net" cannot be seen from here',
  ],
  [{ leaseBootId: "b2", ageMs: GRACE_MS - 1 }, "it is younger than the grace period"],
  [{ leaseBootId: "", ageMs: -1 }, "it is younger than the grace period"],
  [
    { leaseBootId: "b2", recordedLink: undefined, isCached: undefined },
    `${GONE}, but nothing else says that it is dead`,
  ],
];

for (const [change, want] of CASES) {
  Deno.test(`judgeLease: ${JSON.stringify(change)} gives ${want}`, () => {
    assertEquals(
      judgeLease({ ...DEAD, ...change }, GRACE_MS),
      typeof want === "string" ? { dead: false, reason: want } : { dead: true, proofs: want },
    );
  });
}

Deno.test("judgeLease: of all combinations only those with two proofs and no sign of life are dead", () => {
  const counts = { dead: 0, alive: 0 };
  for (const facts of combinations()) {
    const isOther = facts.leaseBootId === "b1";
    const isGone = !facts.hasNetns &&
      (facts.netns === "/proc/1/ns/net"
        ? facts.isInitialPidNamespace
        : facts.netns !== "" && facts.hasNetnsDirectory);
    assertEquals(isProvenGone(facts), isGone, JSON.stringify(facts));
    const isOver = facts.netns === "" && isOther && facts.isCached !== true;
    const isElsewhere = !isOther && facts.hostNetns !== "net:[1]";
    const isAlive = facts.linkWithAlias !== undefined || isElsewhere || !isGone && !isOver ||
      !isOther && facts.ageMs < GRACE_MS;
    const further = [isOther, facts.recordedLink !== undefined, facts.isCached === false];
    const judgement = judgeLease(facts, GRACE_MS);
    assertEquals(judgement.dead, !isAlive && further.includes(true), JSON.stringify(facts));
    if (judgement.dead) {
      assertEquals(judgement.proofs.length, 1 + further.filter(Boolean).length);
    }
    counts[judgement.dead ? "dead" : "alive"] += 1;
  }
  assertEquals(counts, { dead: 512, alive: 6_400 });
});

function combinations(): LeaseFacts[] {
  const values: { readonly [Key in keyof LeaseFacts]?: readonly LeaseFacts[Key][] } = {
    netns: ["/run/netns/a", "/proc/1/ns/net", ""],
    hasNetns: [true, false],
    hasNetnsDirectory: [true, false],
    isInitialPidNamespace: [true, false],
    leaseBootId: ["", "b1", "b2"],
    hostNetns: ["net:[1]", "net:[2]"],
    ageMs: [-1, GRACE_MS - 1, GRACE_MS, 2 * GRACE_MS],
    linkWithAlias: ["veth1", undefined],
    recordedLink: ["veth1", undefined],
    isCached: [true, false, undefined],
  };
  return Object.entries(values).reduce<LeaseFacts[]>(
    (all, [key, some]) => all.flatMap((facts) => some.map((value) => ({ ...facts, [key]: value }))),
    [DEAD],
  );
}
