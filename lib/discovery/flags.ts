/** Command lines in files of the node: words, and the flags among them. */

/**
 * The flags of a command line: `--name=value` and `--name value`. Flags of k3s that hand flags on
 * (`--kubelet-arg=pod-cidr=X`) count as those.
 * @returns in their order; a flag without a value has an empty one.
 */
export function flagsOf(words: readonly string[]): (readonly [name: string, value: string])[] {
  return words.flatMap((word, index) => {
    const [, name, attached] = FLAG.exec(word) ?? [];
    if (name === undefined) return [];
    const next = words[index + 1] ?? "";
    const value = attached ?? (next.startsWith("--") ? "" : next);
    return name.endsWith("-arg") ? flagsOf([`--${value}`]) : [[name, value] as const];
  });
}

/** The words of a line; quotes keep white space together and are dropped. */
export function splitWords(line: string): string[] {
  return Array.from(
    line.matchAll(WORD),
    ([word]) =>
      word.replaceAll(
        /"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
        (_, double?: string, single?: string) => double ?? single ?? "",
      ),
  );
}

/**
 * The words of the commands that a systemd unit starts, as in k3s' install.sh, which ends each line
 * of the command with a backslash: systemd.syntax(7), systemd.service(5).
 */
export function unitWords(text: string): string[] {
  const lines = text.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/);
  return lines.filter((line) => line.startsWith("ExecStart=")).flatMap((line) =>
    splitWords(line.slice("ExecStart=".length))
  );
}

/** Flags of the Kubernetes components and of k3s. */
const FLAG = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s;
const WORD = /(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+/g;
