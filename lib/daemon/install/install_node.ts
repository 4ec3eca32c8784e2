/**
 * Installs the program by which this runs: a folder of its own, links to it where runtimes and people
 * look, settings where there are none, and the unit that runs the daemon, which does the rest.
 */
import { join, resolve } from "@std/path";
import { ServiceUnit, SYSTEMD, type SystemdPlaces } from "../../delegate/service_unit.ts";
import { ConfigError, HeadcniError } from "../../errors.ts";
import { DAEMON_UNIT, daemonUnitText } from "../../node/daemon_unit.ts";
import {
  type InstallFacts,
  type InstallPlan,
  type InstallWant,
  planInstall,
  wantedFolders,
  wantedPaths,
} from "../../node/install_plan.ts";
import type { Service } from "../../node/install_record.ts";
import { formatInstallStep } from "../../node/install_step.ts";
import { isPlainPath } from "../../node/launcher.ts";
import { VERSION } from "../../version.ts";
import { cniDirectories } from "../node_files.ts";
import { DEFAULT_SETTINGS_PATH } from "../settings/load.ts";
import type { LoadedSettings } from "../settings/settings.ts";
import { type Answers, settingsText, settingsWith } from "./answers.ts";
import { applySteps } from "./apply_steps.ts";
import { awaitReady } from "./await_ready.ts";
import { lockInstall } from "./install_lock.ts";
import { observePaths, presentFolders, readForwarding, readInstallRecord } from "./observe.ts";
import { isWhole, listReleases, readRelease, type Release } from "./release.ts";

/** Where everything is by default. */
export const DEFAULT_PREFIX = "/opt/headcni";
export const DEFAULT_COMMAND_PATH = "/usr/local/bin/headcni";

/** What an installation works with. */
export interface InstallOptions {
  readonly prefix: string;
  readonly answers: Answers;
  readonly service: Service;
  /** False leaves the daemon as it is. */
  readonly start: boolean;
  /** Where people find the program; undefined when it is not wanted there. */
  readonly commandPath: string | undefined;
  readonly dryRun: boolean;
  /** How long the node may take to be ready for pods, in milliseconds. */
  readonly timeoutMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of our executable; undefined when we run from our source. */
  readonly executable: string | undefined;
  /** Others than those of a node, for tests. */
  readonly systemd?: SystemdPlaces;
  /** Is told what is being done. */
  readonly onProgress?: (text: string) => void;
}

/** What came of it; each text is a path and what became of it, or a command. */
export interface InstallReport {
  readonly release: string;
  readonly prefix: string;
  readonly service: Service;
  /** What was done, or would be. */
  readonly done: readonly string[];
  /** What stays as it is though something else was asked for. */
  readonly kept: readonly string[];
  /** What there is to do for a person. */
  readonly next: readonly string[];
  /** Why pods cannot come yet; none when they can, null when nobody waited for that. */
  readonly missing: readonly string[] | null;
}

/**
 * Installs; a second call does what is left, and nothing where all is as it should be.
 * @throws ConfigError when something must be changed first; HeadcniError, ClientError.
 */
export async function installNode(options: InstallOptions): Promise<InstallReport> {
  const { dryRun, systemd = SYSTEMD } = options;
  const { loaded, want, release } = await prepareInstall(options);
  const report = { release: release.name, prefix: want.prefix, service: options.service };
  const next = nextSteps(options, want);
  // Before the lock makes a folder, and something is there of an install that is refused.
  const first = await look(want, release, systemd);
  if (dryRun) {
    const { steps, kept } = first.plan;
    return { ...report, done: steps.map(formatInstallStep), kept, next, missing: null };
  }
  using _lock = first.plan.steps.length > 0 ? lockInstall(want.dataDir) : undefined;
  const { facts, plan } = await look(want, release, systemd, first.facts.folders);
  const { kept } = plan;
  const done = await applyPlan(plan, options, release);
  const isStarted = plan.steps.some(({ kind }) => kind === "restart-unit") || facts.isActive;
  const missing = want.unit && options.start && isStarted
    ? await awaitReady(readyWant(loaded, want, options))
    : null;
  return { ...report, done, kept, next, missing };
}

/** Looks at the node, and plans. */
async function look(
  want: InstallWant,
  release: Release,
  systemd: SystemdPlaces,
  folders?: InstallFacts["folders"],
): Promise<{ readonly facts: InstallFacts; readonly plan: InstallPlan }> {
  const seen = await installFacts(want, release, systemd);
  const facts = folders ? { ...seen, folders } : seen;
  refuseOther(want, facts);
  return { facts, plan: planInstall(want, facts) };
}

/** What is known before anything is looked at that changes. */
export interface PreparedInstall {
  readonly loaded: LoadedSettings;
  readonly want: InstallWant;
  readonly release: Release;
}

/** @throws ConfigError when something must be changed first. */
export async function prepareInstall(options: InstallOptions): Promise<PreparedInstall> {
  const { env, service, answers, systemd = SYSTEMD, commandPath } = options;
  const prefix = plainPrefix(options.prefix);
  const release = await readRelease(options.executable);
  const unit = new ServiceUnit(DAEMON_UNIT, systemd);
  if (service === "systemd" && !unit.isPossible()) {
    throw new ConfigError(
      "invalid-config",
      "Cannot install with --service systemd: systemd does not run this machine; use --service " +
        'none, and have another supervisor run "headcni daemon"',
    );
  }
  const path = env.HEADCNI_CONFIG || DEFAULT_SETTINGS_PATH;
  const text = settingsText(answers);
  const loaded = settingsWith(text, path, env);
  const named = path === DEFAULT_SETTINGS_PATH ? undefined : path;
  const directories = cniDirectories(loaded, env.HEADCNI_HOST_ROOT ?? "");
  const want: InstallWant = {
    prefix,
    release: release.name,
    source: release.source,
    binFolders: [...new Set(directories.flatMap((each) => each.installDirectories))],
    confFolders: directories.map(({ confDirectory }) => confDirectory),
    commandPath,
    settingsPath: path,
    settingsText: text,
    unit: service === "systemd"
      ? { path: unit.path, text: daemonUnitText(join(prefix, "headcni"), named) }
      : undefined,
    start: options.start,
    dataDir: loaded.settings.dataDir,
  };
  if (want.binFolders.includes(prefix)) {
    throw new ConfigError(
      "invalid-config",
      `Cannot install into "${prefix}": runtimes look for plugins there; name another --prefix`,
    );
  }
  return { loaded, want, release };
}

/** What is on the node. */
export async function installFacts(
  want: InstallWant,
  release: Release,
  systemd: SystemdPlaces,
): Promise<InstallFacts> {
  const unit = new ServiceUnit(DAEMON_UNIT, systemd);
  const releases = listReleases(want.prefix);
  const isComplete = await isWhole(release, want.prefix);
  return {
    record: readInstallRecord(want.dataDir),
    found: observePaths(wantedPaths(want)),
    folders: presentFolders(wantedFolders(want)),
    releases,
    wholeReleases: releases.filter((name) =>
      name === release.name ? isComplete : !name.startsWith(".")
    ),
    sysctls: readForwarding(),
    isEnabled: want.unit !== undefined && unit.isEnabled(),
    isActive: want.unit !== undefined && unit.isWritten() && await unit.state() === "active",
  };
}

/** How long one waits for the daemon, and for what. */
export function readyWant(
  { settings }: LoadedSettings,
  { confFolders }: InstallWant,
  { timeoutMs, onProgress }: Pick<InstallOptions, "timeoutMs" | "onProgress">,
): Parameters<typeof awaitReady>[0] {
  return {
    settings,
    confFolders,
    version: VERSION,
    timeoutMs,
    ...onProgress && { onMissing: (text: string) => onProgress(`waiting: ${text}`) },
  };
}

/** Carries a plan out. */
export function applyPlan(
  { steps }: Pick<InstallPlan, "steps">,
  { systemd = SYSTEMD, timeoutMs, onProgress }: InstallOptions,
  release: Release,
): Promise<string[]> {
  return applySteps(steps, {
    release,
    systemd,
    startMs: timeoutMs,
    ...onProgress && { onStep: onProgress },
  });
}

/** Another release would be replaced without a way back. */
function refuseOther(want: InstallWant, { found, record }: InstallFacts): void {
  const there = found.get(join(want.prefix, "headcni"));
  const [, other] = there?.kind === "link" ? /^releases\/([^/]+)\//.exec(there.target) ?? [] : [];
  if (record && record.prefix !== want.prefix) {
    throw new ConfigError(
      "invalid-config",
      `Cannot install into "${want.prefix}": HeadCNI is in "${record.prefix}" on this node; ` +
        "uninstall it first, or name that one by --prefix",
    );
  }
  if (other === undefined || other === want.release || !want.unit) return;
  throw new HeadcniError(
    "try-again",
    `Cannot install release "${want.release}": "${other}" is installed; "headcni upgrade" ` +
      "replaces it",
  );
}

function nextSteps({ service }: InstallOptions, { prefix }: InstallWant): string[] {
  if (service === "systemd") return [];
  return [`have your supervisor run "${join(prefix, "headcni")} daemon", as root`];
}

function plainPrefix(named: string): string {
  const prefix = resolve(named);
  if (isPlainPath(prefix) && prefix !== "/") return prefix;
  throw new ConfigError(
    "invalid-config",
    `Cannot install into "${named}": only letters, digits and ./+@:,_- are taken, and not "/"`,
  );
}
