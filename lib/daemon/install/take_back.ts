/** Takes an installation back: the service, and what is recorded of files and folders. */
import { isPresent } from "../../attach/left_over.ts";
import { ServiceUnit, SYSTEMD, type SystemdPlaces } from "../../delegate/service_unit.ts";
import { DAEMON_UNIT } from "../../node/daemon_unit.ts";
import type { InstallRecord } from "../../node/install_record.ts";
import { formatInstallStep } from "../../node/install_step.ts";
import { planUninstall, type UninstallPlan } from "../../node/uninstall_plan.ts";
import { applySteps } from "./apply_steps.ts";
import { removeLeftOvers } from "../replace_file.ts";
import { lockInstall } from "./install_lock.ts";
import { hasContentOf, observePaths, readForwarding, readInstallRecord } from "./observe.ts";
import { listReleases } from "./release.ts";

/** What is taken back. */
export interface TakeBackOptions {
  /** Directory of the store, where the record is. */
  readonly dataDir: string;
  readonly dryRun: boolean;
  /** Others than those of a node, for tests. */
  readonly systemd?: SystemdPlaces;
}

/** What came of it; each text is a path and what became of it, or a command. */
export interface TakenBack {
  readonly done: readonly string[];
  readonly kept: readonly string[];
}

const NOTHING: TakenBack = { done: [], kept: [] };

/**
 * Ends the daemon that the installation has systemd run, and does not start it with the machine again.
 * Without a record nothing is asked of systemd: who wrote a unit by hand ends it by hand.
 * @returns what was done, or would be.
 * @throws ClientError when systemctl fails.
 */
export async function endService(
  { dataDir, dryRun, systemd = SYSTEMD }: TakeBackOptions,
): Promise<string[]> {
  const record = readInstallRecord(dataDir);
  const unit = new ServiceUnit(DAEMON_UNIT, systemd);
  if (record?.service !== "systemd" || !unit.isPossible() || !unit.isWritten()) return [];
  if (!unit.isEnabled() && await unit.state() === "inactive") return [];
  if (!dryRun) await unit.disable();
  return [`systemctl disable --now ${DAEMON_UNIT}`];
}

/**
 * Puts back what the installation took the place of, and removes its programs: the last of all, for pods
 * that are left need them.
 * @throws ConfigError when the record makes no sense; HeadcniError `io-failure`, ClientError.
 */
export async function takeBackInstall(options: TakeBackOptions): Promise<TakenBack> {
  const { dataDir, dryRun, systemd = SYSTEMD } = options;
  const record = readInstallRecord(dataDir);
  if (!record) return NOTHING;
  using _lock = dryRun ? undefined : lockInstall(dataDir);
  const { steps, kept } = planTakeBack(record, dataDir);
  if (dryRun) return { done: steps.map(formatInstallStep), kept };
  for (const { path } of record.paths) removeLeftOvers(path);
  return { done: await applySteps(steps, { systemd, startMs: 0 }), kept };
}

function planTakeBack(record: InstallRecord, dataDir: string): UninstallPlan {
  return planUninstall(record, {
    dataDir,
    found: observePaths(record.paths.map(({ path }) => path)),
    unchanged: unchangedPaths(record),
    releases: listReleases(record.prefix),
    sysctls: readForwarding(),
  });
}

function unchangedPaths({ paths }: InstallRecord): ReadonlySet<string> {
  const same = paths.filter(({ path, before }) =>
    before.kind === "file" && (!isPresent(before.backup) || hasContentOf(path, before.backup))
  );
  return new Set(same.map(({ path }) => path));
}
