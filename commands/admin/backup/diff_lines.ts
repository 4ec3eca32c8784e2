/**
 * What changes from one text to another, a line each: `-` for what goes, `+` for what comes. Lines that
 * stay are left out. Longest common subsequence, quadratic: for files of settings.
 */
export function diffLines(before: string, after: string): string[] {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const lengths = commonLengths(old, fresh);
  const at = (row: number, column: number) => lengths[row]?.[column] ?? 0;
  const changes: string[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    if (row < old.length && column < fresh.length && old[row] === fresh[column]) {
      row++;
      column++;
    } else if (row < old.length && at(row + 1, column) >= at(row, column + 1)) {
      changes.push(`- ${old[row++]}`);
    } else if (column < fresh.length) {
      changes.push(`+ ${fresh[column++]}`);
    } else {
      changes.push(`- ${old[row++]}`);
    }
  }
  return changes;
}

/** How many lines the ends of both have in common, from each pair of places on. */
function commonLengths(old: readonly string[], fresh: readonly string[]): number[][] {
  const lengths = Array.from(
    { length: old.length + 1 },
    () => new Array<number>(fresh.length + 1).fill(0),
  );
  for (let row = old.length - 1; row >= 0; row--) {
    for (let column = fresh.length - 1; column >= 0; column--) {
      const [below, right, diagonal] = [
        lengths[row + 1]?.[column] ?? 0,
        lengths[row]?.[column + 1] ?? 0,
        lengths[row + 1]?.[column + 1] ?? 0,
      ];
      const here = lengths[row];
      if (here) {
        here[column] = old[row] === fresh[column] ? diagonal + 1 : Math.max(below, right);
      }
    }
  }
  return lengths;
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
