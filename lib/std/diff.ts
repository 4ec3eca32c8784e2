/** Differences of two texts by lines, for the messages of failed assertions. */

/** Above this many pairs of lines only the differing middle is shown, unaligned. */
const MAX_PAIRS = 4_000_000;

/**
 * Lines of both texts: two blanks before a common line, `- ` before one that only `actual` has,
 * `+ ` before one that only `expected` has.
 */
export function diffLines(actual: string, expected: string): string[] {
  const a = actual.split("\n");
  const b = expected.split("\n");
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return [
    ...mark("  ", a.slice(0, head)),
    ...diffMiddle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...mark("  ", a.slice(a.length - tail)),
  ];
}

function diffMiddle(a: readonly string[], b: readonly string[]): string[] {
  if (a.length * b.length > MAX_PAIRS) return [...mark("- ", a), ...mark("+ ", b)];
  const common = commonLengths(a, b);
  const at = (i: number, j: number): number => common[i * (b.length + 1) + j] ?? 0;
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push(`  ${a[i]}`);
      i++;
      j++;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      lines.push(`- ${a[i++]}`);
    } else {
      lines.push(`+ ${b[j++]}`);
    }
  }
  return [...lines, ...mark("- ", a.slice(i)), ...mark("+ ", b.slice(j))];
}

/** Length of the longest common subsequence of `a` from i and `b` from j, row by row. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i * width + j] = a[i] === b[j]
        ? (table[(i + 1) * width + j + 1] ?? 0) + 1
        : Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0);
    }
  }
  return table;
}

function mark(prefix: string, lines: readonly string[]): string[] {
  return lines.map((line) => prefix + line);
}
