/** What takes the steps of an upgrade back, so that the release of before runs as it did. */
import { releaseFolder } from "./install_plan.ts";
import type { InstallRecord } from "./install_record.ts";
import type { Found, InstallStep } from "./install_step.ts";

/** What was there before the steps. */
export interface UndoFacts {
  readonly record: InstallRecord;
  /** By path. */
  readonly found: ReadonlyMap<string, Found>;
}

/**
 * The steps that lead back, the last change first, once what is to be in use is written down. Folders
 * that were made, and copies of what was replaced, harm nobody and stay; so does a file that was too
 * long to be ours.
 */
export function planUndo(steps: readonly InstallStep[], facts: UndoFacts): InstallStep[] {
  const { record } = facts;
  const hasUnit = steps.some(({ kind }) => kind === "reload-units");
  const restarts = steps.filter((step) => step.kind === "restart-unit");
  const inUse = releaseFolder(record.prefix, record.release);
  const ends = steps.filter((step) => step.kind === "complete");
  const isServiceDue = ends.length > 0;
  const meanwhile = { ...record, ...isServiceDue && { isServiceDue } };
  const [noted] = steps.filter((step) => step.kind === "record" || step.kind === "complete");
  return [
    ...noted ? [{ ...noted, kind: "record", record: meanwhile } as const] : [],
    ...steps.toReversed().flatMap((step) => undoOf(step, facts)),
    ...hasUnit ? [{ kind: "reload-units" } as const] : [],
    ...restarts,
    ...ends.map((step) => ({ ...step, record })),
    // Last, for until then it is what runs.
    ...steps.flatMap((step) =>
      step.kind === "copy-release" && step.folder !== inUse
        ? [{ kind: "remove-all", path: step.folder } as const]
        : []
    ),
  ];
}

function undoOf(step: InstallStep, { found }: UndoFacts): InstallStep[] {
  if (step.kind !== "link" && step.kind !== "write") return [];
  const { path } = step;
  const before = found.get(path) ?? { kind: "absent" };
  if (before.kind === "absent") return [{ kind: "remove", path }];
  if (before.kind === "link") return [{ kind: "link", path, target: before.target }];
  if (before.kind !== "file" || before.text === undefined || step.kind !== "write") return [];
  return [{ ...step, text: before.text }];
}
