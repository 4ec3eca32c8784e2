/**
 * What an installation has to change. Everything that it takes the place of is written down before, so
 * that it can be put back; what is as it should be is not touched.
 */
import { dirname, join } from "@std/path";
import { ConfigError } from "../errors.ts";
import { DAEMON_UNIT } from "./daemon_unit.ts";
import {
  type Before,
  formatInstallRecord,
  type InstalledPath,
  type InstallRecord,
  type Made,
  type Service,
  textHash,
} from "./install_record.ts";
import type { Found, InstallStep } from "./install_step.ts";

/** A file that is written. */
export interface WantedFile {
  readonly path: string;
  readonly text: string;
}

/** What is wanted on the node. */
export interface InstallWant {
  /** Folder of the programs. */
  readonly prefix: string;
  /** Name of the release, and the executable that it is copied from. */
  readonly release: string;
  readonly source: string;
  /** Where the runtimes look for plugins, and for configurations. */
  readonly binFolders: readonly string[];
  readonly confFolders: readonly string[];
  /** Where people find the program; undefined when it is not wanted there. */
  readonly commandPath: string | undefined;
  /** The daemon's file of settings, and what goes there where there is none. */
  readonly settingsPath: string;
  readonly settingsText: string | undefined;
  /** The unit of systemd; undefined when somebody else runs the daemon. */
  readonly unit: WantedFile | undefined;
  /** False leaves the daemon as it is. */
  readonly start: boolean;
  /** Where the record belongs. */
  readonly dataDir: string;
}

/** What is there. */
export interface InstallFacts {
  readonly record: InstallRecord | undefined;
  /** By path: those of {@linkcode wantedPaths}. */
  readonly found: ReadonlyMap<string, Found>;
  /** Folders that are there, of those of {@linkcode wantedFolders}. */
  readonly folders: ReadonlySet<string>;
  /** Names below `releases/`, and of these the ones that are whole. */
  readonly releases: readonly string[];
  readonly wholeReleases: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly isEnabled: boolean;
  readonly isActive: boolean;
}

/** The changes in their order, and what is left as it is though something else was wanted. */
export interface InstallPlan {
  readonly steps: readonly InstallStep[];
  readonly kept: readonly string[];
}

/** Names of the plugins in a folder of a runtime; the others lead to the first. */
const PLUGIN_NAMES = ["headcni", "headcni-ipam", "loopback"] as const;
/** Of the reference plugins, whose file of that name must stay. */
const SHARED_NAME = "loopback";

/** Path of the record. */
export function installRecordPath(dataDir: string): string {
  return join(dataDir, "install.json");
}

/** Path of the lock under which the installation changes. */
export function installLockPath(dataDir: string): string {
  return join(dataDir, "install.lock");
}

/** Folder of the copies of what was replaced. */
export function replacedFolder(dataDir: string): string {
  return join(dataDir, "replaced");
}

/** Folder of a release. */
export function releaseFolder(prefix: string, release: string): string {
  return join(prefix, "releases", release);
}

/** Paths that are looked at for a plan. */
export function wantedPaths(want: InstallWant): string[] {
  return wantedEntries(want).map(({ path }) => path);
}

/** Folders that must be there, and all that they lie in, the outermost first. */
export function wantedFolders(want: InstallWant): string[] {
  const needed = [
    want.dataDir,
    join(want.prefix, "releases"),
    ...wantedPaths(want).map(dirname),
    ...want.confFolders,
  ];
  return [...new Set(needed.flatMap(lineage))].toSorted((one, other) => one.length - other.length);
}

/**
 * Plans an installation.
 * @throws ConfigError when something that is no file or link is in the way.
 */
export function planInstall(want: InstallWant, facts: InstallFacts): InstallPlan {
  const { found, record } = facts;
  const kept: string[] = [];
  const entries = wantedEntries(want).filter((entry) => isToTake(entry, facts, kept));
  requireReplaceable(entries, found);
  const missing = wantedFolders(want).filter((path) => !facts.folders.has(path));
  const last = nextRecord(want, facts, entries, missing);
  const recordPath = installRecordPath(want.dataDir);
  const mode = (path: string) => path === want.dataDir ? 0o700 : 0o755;
  const folders = missing.map((path) => ({ kind: "make-folder", path, mode: mode(path) } as const));
  const copies = planCopy(want, facts);
  const changes = entries.filter((entry) => !isAsWanted(entry, found.get(entry.path)));
  const service = planService(want, facts, [...copies, ...changes.map(({ step }) => step)]);
  const isServiceDue = service.some(({ kind }) => kind !== "enable-unit");
  const next = { ...last, ...isServiceDue && { isServiceDue } };
  const isRecorded = record && formatInstallRecord(record) === formatInstallRecord(next);
  return {
    steps: [
      ...folders.filter(({ path }) => lineage(want.dataDir).includes(path)),
      ...planSaves(next, facts),
      ...isRecorded ? [] : [{ kind: "record", path: recordPath, record: next } as const],
      ...folders.filter(({ path }) => !lineage(want.dataDir).includes(path)),
      ...copies,
      ...changes.map(({ step }) => step),
      ...service,
      ...isServiceDue ? [{ kind: "complete", path: recordPath, record: last } as const] : [],
      ...planPrune(want, facts, last),
    ],
    kept,
  };
}

/** A path that is ours once the step is done. */
interface Entry {
  readonly path: string;
  readonly made: Made;
  readonly step: Extract<InstallStep, { kind: "link" | "write" }>;
  /** Left to whoever has it: a plugin of that name, the settings of the user. */
  readonly yields?: "silently" | "telling";
}

function wantedEntries(want: InstallWant): Entry[] {
  const program = join(want.prefix, "headcni");
  const { commandPath, settingsPath, settingsText, unit } = want;
  const settings = settingsText === undefined
    ? []
    : [fileEntry({ path: settingsPath, text: settingsText }, SETTINGS_MODE)];
  const entries = [
    linkEntry(program, `releases/${want.release}/headcni`),
    ...want.binFolders.flatMap((folder) =>
      PLUGIN_NAMES.map((name): Entry => ({
        ...linkEntry(join(folder, name), name === "headcni" ? program : "headcni"),
        ...name === SHARED_NAME && { yields: "silently" },
      }))
    ),
    ...commandPath === undefined ? [] : [linkEntry(commandPath, program)],
    ...settings.map((entry): Entry => ({ ...entry, yields: "telling" })),
    ...unit ? [fileEntry(unit, UNIT_MODE)] : [],
  ];
  // A folder of plugins may be that of the command, too.
  return [...new Map(entries.map((entry) => [entry.path, entry])).values()];
}

const SETTINGS_MODE = 0o600;
const UNIT_MODE = 0o644;

function linkEntry(path: string, target: string): Entry {
  return { path, made: { kind: "link", target }, step: { kind: "link", path, target } };
}

function fileEntry({ path, text }: WantedFile, mode: number): Entry {
  return {
    path,
    made: { kind: "file", hash: textHash(text) },
    step: { kind: "write", path, text, mode },
  };
}

function isToTake(entry: Entry, { found, record }: InstallFacts, kept: string[]): boolean {
  const there = found.get(entry.path) ?? { kind: "absent" };
  const isRight = isAsWanted(entry, there);
  if (!entry.yields || there.kind === "absent") return true;
  if (entry.yields === "telling") {
    // Whoever wrote it, it is the user's by now; what is recorded of it stays recorded.
    if (!isRight) kept.push(`${entry.path}: it is there already, and stays as it is`);
    return false;
  }
  const known = record?.paths.find(({ path }) => path === entry.path);
  return isRight || known !== undefined && isMade(known.made, there);
}

/** True for what is there as we make it. */
export function isMade(made: Made, found: Found): boolean {
  if (made.kind === "link") return found.kind === "link" && found.target === made.target;
  return found.kind === "file" && found.text !== undefined && textHash(found.text) === made.hash;
}

function isAsWanted({ made }: Entry, found: Found | undefined): boolean {
  return found !== undefined && isMade(made, found);
}

function requireReplaceable(entries: readonly Entry[], found: InstallFacts["found"]): void {
  const inTheWay = entries.flatMap(({ path }) => {
    const { kind } = found.get(path) ?? { kind: "absent" };
    return kind === "folder" || kind === "other" ? [`"${path}" is no file`] : [];
  });
  if (inTheWay.length === 0) return;
  throw new ConfigError(
    "invalid-config",
    `Cannot install: ${inTheWay.join(", ")}; move it out of the way`,
  );
}

function nextRecord(
  want: InstallWant,
  { record, found, sysctls, wholeReleases, isEnabled }: InstallFacts,
  entries: readonly Entry[],
  missing: readonly string[],
): InstallRecord {
  const known = new Map(record?.paths.map((one) => [one.path, one]));
  const taken = entries.map(({ path, made }): InstalledPath => ({
    path,
    made,
    before: known.get(path)?.before ?? beforeOf(path, made, found.get(path), want.dataDir),
  }));
  const paths = new Map([...known, ...taken.map((one) => [one.path, one] as const)]);
  const before = record?.release === want.release ? record.previous : record?.release;
  const previous = before !== undefined && wholeReleases.includes(before) ? before : undefined;
  const service: Service = want.unit ? "systemd" : "none";
  return {
    prefix: want.prefix,
    service,
    settings: want.settingsPath,
    release: want.release,
    ...previous !== undefined && { previous },
    paths: [...paths.values()],
    // That of the record is ours in any case: an install that was killed may have made it.
    folders: [...new Set([...record?.folders ?? [], want.dataDir, ...missing])],
    wasEnabled: record?.wasEnabled ?? isEnabled,
    sysctls: record?.sysctls ?? sysctls,
  };
}

function beforeOf(path: string, made: Made, found: Found | undefined, dataDir: string): Before {
  // Made by hand as we make it: it leads nowhere once we are gone.
  if (!found || found.kind === "absent" || isMade(made, found)) return { kind: "absent" };
  if (found.kind === "link") return { kind: "link", target: found.target };
  return { kind: "file", backup: join(replacedFolder(dataDir), encodeURIComponent(path)) };
}

function planSaves(next: InstallRecord, { record }: InstallFacts): InstallStep[] {
  const known = new Set(record?.paths.map(({ path }) => path));
  return next.paths.flatMap(({ path, before }) =>
    before.kind === "file" && !known.has(path)
      ? [{ kind: "save", path, backup: before.backup } as const]
      : []
  );
}

function planCopy(want: InstallWant, { wholeReleases }: InstallFacts): InstallStep[] {
  if (wholeReleases.includes(want.release)) return [];
  const folder = releaseFolder(want.prefix, want.release);
  return [{ kind: "copy-release", folder, from: want.source }];
}

function planService(
  want: InstallWant,
  { isEnabled, isActive, record }: InstallFacts,
  changes: readonly InstallStep[],
): InstallStep[] {
  const { unit } = want;
  if (!unit) return [];
  const isDue = record?.isServiceDue === true;
  const isWritten = isDue ||
    changes.some((step) => step.kind === "write" && step.path === unit.path);
  const program = join(want.prefix, "headcni");
  const isOther = changes.some((step) =>
    step.kind === "copy-release" || step.kind === "link" && step.path === program
  );
  const mustStart = want.start && (!isActive || isWritten || isOther);
  return [
    ...isWritten ? [{ kind: "reload-units" } as const] : [],
    ...isEnabled ? [] : [{ kind: "enable-unit", unit: DAEMON_UNIT } as const],
    ...mustStart ? [{ kind: "restart-unit", unit: DAEMON_UNIT } as const] : [],
  ];
}

/** Two releases stay: the one in use, and the one to go back to. */
function planPrune(
  want: InstallWant,
  { releases }: InstallFacts,
  { release, previous }: InstallRecord,
): InstallStep[] {
  return releases.filter((name) => name !== release && name !== previous)
    .map((name) => ({ kind: "remove-all", path: releaseFolder(want.prefix, name) }));
}

/** A folder and those around it, but not the root. */
function lineage(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [] : [...lineage(above), folder];
}
