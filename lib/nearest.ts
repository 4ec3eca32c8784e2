/**
 * The word among `known` that `word` was probably meant to be, or undefined when none is near: one
 * edit for each three characters of the word, but at least one (a wrong, missing, doubled or swapped letter
 * counts as one or two edits by Levenshtein's measure).
 */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.ceil(word.length / 3));
  const rated = known.map((candidate) => ({ candidate, edits: editDistance(word, candidate) }));
  const [best] = rated.sort((a, b) => a.edits - b.edits);
  return best && best.edits <= limit ? best.candidate : undefined;
}

/** How many letters must be put in, taken out or changed: Levenshtein 1966, row by row. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const change = (row[j] ?? 0) + (to[j] === letter ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
