/** What takes an installation back: each path is what it was before, and what is ours is gone. */
import { join } from "@std/path";
import { DAEMON_UNIT, UNIT_MARK } from "./daemon_unit.ts";
import {
  installLockPath,
  installRecordPath,
  isMade,
  releaseFolder,
  replacedFolder,
} from "./install_plan.ts";
import type { InstalledPath, InstallRecord } from "./install_record.ts";
import type { Found, InstallStep } from "./install_step.ts";

/** What is there. */
export interface UninstallFacts {
  readonly dataDir: string;
  /** By path: those of the record. */
  readonly found: ReadonlyMap<string, Found>;
  /** Paths of files that are as their copies are, or have none any more: those go after all is put back. */
  readonly unchanged: ReadonlySet<string>;
  /** Names below `releases/` that are ours, whole or not. */
  readonly releases: readonly string[];
  /** Forwarding as it is, by the name of the sysctl. */
  readonly sysctls: Readonly<Record<string, string>>;
}

/** The changes in their order, and what stays: others have changed it. */
export interface UninstallPlan {
  readonly steps: readonly InstallStep[];
  readonly kept: readonly string[];
}

/**
 * Plans to take an installation back; the daemon does not run any more. The file of settings goes after
 * everything that is found by it, and the record last: whoever is killed in between is called again.
 */
export function planUninstall(record: InstallRecord, facts: UninstallFacts): UninstallPlan {
  const { dataDir, found, releases } = facts;
  const kept: string[] = [];
  const changed = new Set<string>();
  const restore = (entry: InstalledPath) => {
    const there = found.get(entry.path) ?? { kind: "absent" };
    if (isBack(entry, there, facts)) return [];
    if (isOurs(entry, there)) return planRestore(entry, there);
    changed.add(entry.path);
    kept.push(`${entry.path}: it was changed since the install${beforeText(entry)}`);
    return [];
  };
  const isSettings = ({ path }: InstalledPath) => path === record.settings;
  const restored = record.paths.toReversed().filter((entry) => !isSettings(entry)).flatMap(restore);
  const settings = record.paths.filter(isSettings).flatMap(restore);
  // A copy that nothing was put back from is the only one that there is.
  const mayForget = kept.length === 0 &&
    record.paths.some(({ before }) => before.kind === "file");
  const folders = emptiedFolders(record);
  const isAround = (path: string) => `${dataDir}/`.startsWith(`${path}/`);
  const removeEmpty = (path: string) => ({ kind: "remove-empty", path } as const);
  return {
    steps: [
      ...restored,
      ...planUnit(record, changed),
      ...releases.map((name) =>
        ({ kind: "remove-all", path: releaseFolder(record.prefix, name) }) as const
      ),
      ...settings,
      ...folders.filter((path) => !isAround(path)).map(removeEmpty),
      ...mayForget ? [{ kind: "remove-all", path: replacedFolder(dataDir) } as const] : [],
      // Up to here nobody else installs; without the record nobody would come back for it.
      { kind: "remove", path: installLockPath(dataDir) },
      { kind: "remove", path: installRecordPath(dataDir) },
      ...folders.filter(isAround).map(removeEmpty),
    ],
    kept: [...kept, ...changedSysctls(record, facts)],
  };
}

/**
 * A unit that somebody wrote by hand is started with the machine again, if it was. One that is back already
 * is read all the same: whoever was killed may not have come to that.
 */
function planUnit(
  { wasEnabled, paths }: InstallRecord,
  changed: ReadonlySet<string>,
): InstallStep[] {
  const unit = paths.find(({ path }) => path.endsWith(`/${DAEMON_UNIT}`));
  if (!unit || changed.has(unit.path)) return [];
  const isTheirs = wasEnabled && unit.before.kind !== "absent";
  return [
    { kind: "reload-units" },
    ...isTheirs ? [{ kind: "enable-unit", unit: DAEMON_UNIT } as const] : [],
  ];
}

/** With that of releases: an empty one is ours in any case. */
function emptiedFolders({ prefix, folders }: InstallRecord): string[] {
  return [...new Set([...folders, join(prefix, "releases")])]
    .toSorted((one, other) => other.length - one.length);
}

/** True for what is as it was before: nothing was changed yet, or it is put back already. */
function isBack(
  { path, before }: InstalledPath,
  there: Found,
  { unchanged }: UninstallFacts,
): boolean {
  if (before.kind === "link") return there.kind === "link" && there.target === before.target;
  return before.kind === "file" && there.kind === "file" && unchanged.has(path);
}

/** What is gone is put back, too; an upgrade that was killed leaves ours of before. */
function isOurs({ made }: InstalledPath, there: Found): boolean {
  if (there.kind === "absent" || isMade(made, there)) return true;
  if (there.kind === "link") return there.target.startsWith("releases/");
  return there.kind === "file" && there.text?.startsWith(UNIT_MARK) === true;
}

function planRestore(
  { path, before }: InstalledPath,
  there: Found,
): Extract<InstallStep, { path: string }>[] {
  switch (before.kind) {
    case "absent":
      return there.kind === "absent" ? [] : [{ kind: "remove", path }];
    case "link":
      return [{ kind: "link", path, target: before.target }];
    case "file":
      return [{ kind: "put-back", path, backup: before.backup }];
  }
}

function beforeText({ before }: InstalledPath): string {
  if (before.kind === "absent") return "";
  return before.kind === "link"
    ? `, before which it was a link to ${before.target}`
    : `; what it was before is ${before.backup}`;
}

/** Others may rely on forwarding by now, and nobody can tell whether they do. */
function changedSysctls(
  record: InstallRecord,
  { sysctls }: UninstallFacts,
): string[] {
  return Object.entries(record.sysctls).flatMap(([name, before]) => {
    const now = sysctls[name];
    if (now === undefined || now === before) return [];
    return [
      `${name}: it is ${now}, and was ${before}; to set it back: sysctl -w ${name}=${before}`,
    ];
  });
}
