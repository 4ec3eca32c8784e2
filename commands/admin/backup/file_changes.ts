/** What restoring files changes on a node. */
import { readBounded } from "../../../lib/daemon/read_bounded.ts";
import { errorText, HeadcniError } from "../../../lib/errors.ts";
import type { BackupFile } from "./document.ts";
import { diffLines } from "./diff_lines.ts";

/** A file that is not there as the backup has it. */
export interface FileChange {
  readonly path: string;
  readonly text: string;
  /** Nothing has its path, or something else does. */
  readonly change: "new" | "other";
  /** Lines that go and come, of one that is there. */
  readonly lines: readonly string[];
}

/**
 * Compares files with what is there; those that are the same are left out.
 * @throws HeadcniError `io-failure` when something is no file.
 */
export function compareFiles(files: readonly (BackupFile | null)[]): FileChange[] {
  return files.flatMap((file) => {
    if (!file) return [];
    const there = readPresent(file.path);
    if (there === file.text) return [];
    const lines = there === undefined ? [] : diffLines(there, file.text);
    return [{ ...file, change: there === undefined ? "new" : "other", lines }];
  });
}

/** A change as lines for people. */
export function formatFileChange({ path, change, lines }: Omit<FileChange, "text">): string[] {
  return [
    `${path}: ${change === "new" ? "written" : "replaced"}`,
    ...lines.map((line) => `  ${line}`),
  ];
}

function readPresent(path: string): string | undefined {
  try {
    return readBounded(path);
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot replace "${path}": ${errorText(cause)}`, {
      cause,
    });
  }
}
