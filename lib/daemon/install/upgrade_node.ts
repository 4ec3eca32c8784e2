/**
 * Puts the program by which this runs in the place of the one that is installed. Pods notice nothing: only
 * our daemon is started anew. The release of before stays, and runs again when this one does not.
 */
import { SYSTEMD } from "../../delegate/service_unit.ts";
import { ClientError, ConfigError, errorText, StoreError } from "../../errors.ts";
import { planInstall } from "../../node/install_plan.ts";
import type { InstallRecord } from "../../node/install_record.ts";
import { formatInstallStep, type InstallStep } from "../../node/install_step.ts";
import { planUndo } from "../../node/undo_plan.ts";
import { inodeOf, kvPath } from "../../store/place.ts";
import { openExistingStore } from "../../store/store.ts";
import { VERSION } from "../../version.ts";
import type { LoadedSettings } from "../settings/settings.ts";
import { askRelease } from "./ask_release.ts";
import { awaitReady, missing, type ReadyWant } from "./await_ready.ts";
import { lockInstall } from "./install_lock.ts";
import {
  applyPlan,
  DEFAULT_COMMAND_PATH,
  installFacts,
  type InstallOptions,
  prepareInstall,
  readyWant,
} from "./install_node.ts";
import { readInstallRecord } from "./observe.ts";

/** What an upgrade works with. */
export interface UpgradeOptions extends
  Pick<
    InstallOptions,
    "dryRun" | "timeoutMs" | "env" | "executable" | "systemd" | "onProgress"
  > {
  /** Settings of the daemon. */
  readonly loaded: LoadedSettings;
  /** Even if this release cannot read the store. */
  readonly force: boolean;
}

/** What came of it; each text is a path and what became of it, or a command. */
export interface UpgradeReport {
  readonly release: string;
  /** That of before; the same when there was nothing to do. */
  readonly from: string;
  readonly done: readonly string[];
  readonly next: readonly string[];
  /** Why pods cannot come, as before; null when no daemon of ours was to run. */
  readonly missing: readonly string[] | null;
}

/**
 * Upgrades, or goes back to what was there.
 * @throws ConfigError when something must be changed first; ClientError when this release did not
 * come up, and the one of before runs again; HeadcniError.
 */
export async function upgradeNode(options: UpgradeOptions): Promise<UpgradeReport> {
  const { loaded, dryRun, systemd = SYSTEMD } = options;
  const record = requireRecord(loaded.settings.dataDir);
  const install = asInstall(record, options);
  const { want: wanted, release } = await prepareInstall(install);
  await requireReadable(options, release.name);
  using _lock = dryRun ? undefined : lockInstall(wanted.dataDir);
  const facts = await installFacts(wanted, release, systemd);
  // One that somebody stopped stays so.
  const want = { ...wanted, start: facts.isActive };
  const { steps } = planInstall(want, facts);
  const report = { release: release.name, from: record.release, missing: null };
  const next = record.service === "none" && steps.length > 0
    ? ["have your supervisor start the daemon anew"]
    : [];
  if (dryRun) return { ...report, done: steps.map(formatInstallStep), next };
  const ready = readyWant(loaded, want, options);
  const restarts = steps.some(({ kind }) => kind === "restart-unit");
  const before = restarts ? await missingBefore(ready) : [];
  try {
    const done = await applyPlan({ steps }, install, release);
    if (restarts) return { ...report, done, next, missing: await requireUp(ready, before) };
    // One that was killed may not have waited for what it put there.
    return { ...report, done, next, missing: want.start ? await missing(ready) : null };
  } catch (error) {
    const undo = planUndo(steps, { record, found: facts.found });
    throw await goBack(undo, error, record, { install, release });
  }
}

function requireRecord(dataDir: string): InstallRecord {
  const record = readInstallRecord(dataDir);
  if (record) return record;
  throw new ConfigError(
    "invalid-config",
    'Cannot upgrade: "headcni install" has put nothing on this node; run that',
  );
}

/** As it was installed. */
function asInstall(record: InstallRecord, options: UpgradeOptions): InstallOptions {
  const { loaded: _, force: __, ...rest } = options;
  const hasCommand = record.paths.some(({ path }) => path === DEFAULT_COMMAND_PATH);
  return {
    ...rest,
    prefix: record.prefix,
    service: record.service,
    env: { ...rest.env, HEADCNI_CONFIG: record.settings },
    answers: { values: [] },
    commandPath: hasCommand ? DEFAULT_COMMAND_PATH : undefined,
    start: true,
  };
}

/** An older release cannot always read what a newer one wrote: then no pod could start. */
async function requireReadable({ loaded, force }: UpgradeOptions, release: string): Promise<void> {
  const { dataDir: directory, runDirectory } = loaded.settings;
  if (force || inodeOf(kvPath(directory)) === undefined) return;
  await using store = await openExistingStore({ directory, runDirectory });
  if (store) return;
  throw new StoreError(
    "store-failure",
    `Cannot go to release "${release}": it cannot read the store in "${directory}", which a newer ` +
      "one wrote; no pod could start",
    { details: "Use a release that is not older than the one that is installed, or --force" },
  );
}

async function missingBefore(want: ReadyWant): Promise<readonly string[]> {
  const word = await askRelease(want.settings.socket);
  return word.kind === "silent" ? [word.why] : await missing({ ...want, version: word.version });
}

/**
 * Waits until the node is as ready as before. Why it was not then is no fault of this release.
 * @throws ClientError when it is not.
 */
async function requireUp(want: ReadyWant, before: readonly string[]): Promise<readonly string[]> {
  const wasReady = before.length === 0;
  const after = wasReady ? await awaitReady(want) : await missing(want);
  const word = await askRelease(want.settings.socket);
  const isUp = word.kind === "status" && word.version === VERSION;
  if (isUp && (after.length === 0 || !wasReady)) return after;
  throw new ClientError("unavailable", after.join("; "));
}

/** Answers the error that tells why, and what runs now. */
async function goBack(
  undo: readonly InstallStep[],
  error: unknown,
  { release: from }: InstallRecord,
  { install, release }: {
    readonly install: InstallOptions;
    readonly release: Parameters<typeof applyPlan>[2];
  },
): Promise<ClientError> {
  const why = `Cannot upgrade to release "${release.name}": ${errorText(error)}`;
  install.onProgress?.(`going back to ${from}`);
  try {
    await applyPlan({ steps: undo }, install, release);
    return new ClientError("unavailable", `${why}; "${from}" is in use again`, { cause: error });
  } catch (cause) {
    return new ClientError("unavailable", `${why}; nor can it go back: ${errorText(cause)}`, {
      details: '"headcni upgrade" of either release does what is left',
      cause,
    });
  }
}
