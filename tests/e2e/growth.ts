import { median } from "../../scripts/bench/statistics.ts";
import type { ProcessUse } from "../netns/process_use.ts";

/** A measure in the first half of the samples and in the second. */
export interface Halves {
  readonly before: number;
  readonly after: number;
}

/**
 * How a process grew: the median of its memory, which goes up and down with the collector, and the
 * least number of its descriptors, for one that is in use at the moment is no leak.
 * @throws RangeError without a sample for each half.
 */
export function growthOf(
  uses: readonly ProcessUse[],
): { readonly rss: Halves; readonly descriptors: Halves } {
  const middle = Math.floor(uses.length / 2);
  if (middle === 0) throw new RangeError("Cannot compare halves of less than two samples");
  const [first, second] = [uses.slice(0, middle), uses.slice(middle)];
  const rss = (half: readonly ProcessUse[]) => median(half.map(({ rssBytes }) => rssBytes));
  const least = (half: readonly ProcessUse[]) =>
    Math.min(...half.map(({ descriptors }) => descriptors));
  return {
    rss: { before: rss(first), after: rss(second) },
    descriptors: { before: least(first), after: least(second) },
  };
}
