/** What takes the steps of an upgrade back, so that the release of before runs as it did. */
import type { InstallRecord } from "./install_record.ts";
import type { Found, InstallStep } from "./install_step.ts";

/** What was there before the steps. */
export interface UndoFacts {
  readonly record: InstallRecord;
  /** By path. */
  readonly found: ReadonlyMap<string, Found>;
}

/**
 * The steps that lead back, the last change first. Folders that were made, and copies of what was
 * replaced, harm nobody and stay; so does a file that was too long to be ours.
 */
export function planUndo(steps: readonly InstallStep[], facts: UndoFacts): InstallStep[] {
  const hasUnit = steps.some(({ kind }) => kind === "reload-units");
  const restarts = steps.filter((step) => step.kind === "restart-unit");
  return [
    ...steps.toReversed().flatMap((step) => undoOf(step, facts)),
    ...hasUnit ? [{ kind: "reload-units" } as const] : [],
    ...restarts,
    // Last, for until then it is what runs.
    ...steps.flatMap((step) =>
      step.kind === "copy-release" ? [{ kind: "remove-all", path: step.folder } as const] : []
    ),
  ];
}

function undoOf(step: InstallStep, { record, found }: UndoFacts): InstallStep[] {
  if (step.kind === "record") return [{ ...step, record }];
  if (step.kind !== "link" && step.kind !== "write") return [];
  const { path } = step;
  const before = found.get(path) ?? { kind: "absent" };
  if (before.kind === "absent") return [{ kind: "remove", path }];
  if (before.kind === "link") return [{ kind: "link", path, target: before.target }];
  if (before.kind !== "file" || before.text === undefined || step.kind !== "write") return [];
  return [{ ...step, text: before.text }];
}
