import { assertEquals } from "@std/assert";
import { seededRandom } from "../fakes/seeded_random.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { growthOf } from "./growth.ts";
import type { ProcessUse } from "../netns/process_use.ts";
import { soak } from "./soak.ts";

/** The first seconds, in which a program compiles itself, tell nothing of its memory. */
const SECONDS = 20;

testUnless(missingRoot(), "soak: pods come and go, and nothing fails, leaks or stays", async () => {
  const { random } = seededRandom();
  const { uses, faults, left } = await soak({ seconds: SECONDS, pairsPerSecond: 5, random });
  assertEquals({ faults, left }, { faults: [], left: [] });
  const { descriptors } = growthOf(uses);
  assertEquals(descriptors.after <= descriptors.before, true, JSON.stringify(descriptors));
});

Deno.test("growthOf: medians of memory, least numbers of descriptors", () => {
  const uses = [[5, 9], [1, 8], [3, 7], [4, 8], [40, 12], [4, 8]]
    .map(([rssBytes = 0, descriptors = 0]): ProcessUse => ({ cpuMs: 0, rssBytes, descriptors }));
  assertEquals(growthOf(uses), {
    rss: { before: 3, after: 4 },
    descriptors: { before: 7, after: 8 },
  });
});
