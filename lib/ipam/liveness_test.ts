import { assertEquals } from "@std/assert";
import { judgeLease, type LeaseFacts } from "./liveness.ts";

/** All that can be seen of a dead one. */
const DEAD: LeaseFacts = {
  netns: "/run/netns/a",
  netnsState: "gone",
  leaseBootId: "b1",
  bootId: "b2",
  ageMs: 300_000,
  graceMs: 300_000,
  linkWithAlias: undefined,
  recordedLink: "veth1",
  isCached: false,
};

const GONE = 'network namespace "/run/netns/a" is gone';
const OTHER_BOOT = "it is of an earlier boot";
const LINK_GONE = 'its host link "veth1" is gone';
const NOT_CACHED = "the runtime has no result of it";

/** What differs from {@linkcode DEAD}, and what follows: proofs, or a sign of life. */
const CASES: readonly [Partial<LeaseFacts>, string[] | string][] = [
  [{}, [GONE, OTHER_BOOT, LINK_GONE, NOT_CACHED]],
  [{ recordedLink: undefined, isCached: true }, [GONE, OTHER_BOOT]],
  [{ leaseBootId: "b2", isCached: true }, [GONE, LINK_GONE]],
  [{ leaseBootId: "b2", recordedLink: undefined }, [GONE, NOT_CACHED]],
  [{ leaseBootId: "" }, [GONE, LINK_GONE, NOT_CACHED]],
  [{ ageMs: 0 }, [GONE, OTHER_BOOT, LINK_GONE, NOT_CACHED]],
  [{ linkWithAlias: "veth1" }, 'link "veth1" has its alias'],
  [{ netns: "" }, "its network namespace is not known"],
  [{ netnsState: "present" }, 'network namespace "/run/netns/a" is there'],
  [{ netnsState: "unknown" }, 'network namespace "/run/netns/a" cannot be seen from here'],
  [{ leaseBootId: "b2", ageMs: 299_999 }, "it is younger than the grace period"],
  [{ leaseBootId: "", ageMs: -1 }, "it is younger than the grace period"],
  [
    { leaseBootId: "b2", recordedLink: undefined, isCached: undefined },
    `${GONE}, but nothing else says that it is dead`,
  ],
];

for (const [change, want] of CASES) {
  Deno.test(`judgeLease: ${JSON.stringify(change)} gives ${want}`, () => {
    const judgement = judgeLease({ ...DEAD, ...change });
    assertEquals(
      judgement,
      typeof want === "string" ? { dead: false, reason: want } : { dead: true, proofs: want },
    );
  });
}

Deno.test("judgeLease: of all combinations only those with two proofs and no sign of life are dead", () => {
  const counts = { dead: 0, alive: 0 };
  for (const facts of combinations()) {
    const isOther = facts.leaseBootId === "b1";
    const isAlive = facts.linkWithAlias !== undefined || facts.netns === "" ||
      facts.netnsState !== "gone" || !isOther && facts.ageMs < facts.graceMs;
    const further = [isOther, facts.recordedLink !== undefined, facts.isCached === false];
    const judgement = judgeLease(facts);
    assertEquals(judgement.dead, !isAlive && further.includes(true), JSON.stringify(facts));
    if (judgement.dead) {
      assertEquals(judgement.proofs.length, 1 + further.filter(Boolean).length);
    }
    counts[judgement.dead ? "dead" : "alive"] += 1;
  }
  assertEquals(counts, { dead: 40, alive: 824 });
});

function combinations(): LeaseFacts[] {
  const parts: { [Key in keyof LeaseFacts]?: readonly LeaseFacts[Key][] } = {
    netns: ["/run/netns/a", ""],
    netnsState: ["present", "gone", "unknown"],
    leaseBootId: ["", "b1", "b2"],
    ageMs: [-1, 299_999, 300_000, 900_000],
    linkWithAlias: ["veth1", undefined],
    recordedLink: ["veth1", undefined],
    isCached: [true, false, undefined],
  };
  return Object.entries(parts).reduce<LeaseFacts[]>(
    (all, [key, values]) =>
      all.flatMap((facts) => values.map((value) => ({ ...facts, [key]: value }))),
    [DEAD],
  );
}
