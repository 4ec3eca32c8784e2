/** A node in memory, on which the plans of an installation are carried out. */
import { daemonUnitText } from "../../lib/node/daemon_unit.ts";
import { type InstallFacts, type InstallWant, planInstall } from "../../lib/node/install_plan.ts";
import {
  formatInstallRecord,
  type InstallRecord,
  parseInstallRecord,
} from "../../lib/node/install_record.ts";
import { formatInstallStep, type Found, type InstallStep } from "../../lib/node/install_step.ts";
import { planUninstall } from "../../lib/node/uninstall_plan.ts";

export const [ONE, TWO] = ["0.1.0-0123456789ab", "0.2.0-0123456789ab"] as const;
export const SETTINGS = "/etc/headcni/daemon.yaml";
export const UNIT = "/etc/systemd/system/headcni.service";

export const WANT: InstallWant = {
  prefix: "/opt/headcni",
  release: ONE,
  source: "/root/headcni",
  binFolders: ["/opt/cni/bin"],
  confFolders: ["/etc/cni/net.d"],
  commandPath: "/usr/local/bin/headcni",
  settingsPath: SETTINGS,
  settingsText: "network: {}\n",
  unit: { path: UNIT, text: daemonUnitText("/opt/headcni/headcni") },
  start: true,
  dataDir: "/var/lib/headcni",
};

/** A node in memory, which steps are carried out on. */
export class PlannedNode {
  readonly files = new Map<string, Found>();
  readonly folders = new Set([
    "/etc",
    "/opt",
    "/usr",
    "/usr/local",
    "/usr/local/bin",
    "/var",
    "/var/lib",
  ]);
  readonly backups = new Map<string, Found>();
  readonly calls: string[] = [];
  releases: string[] = [];
  record: InstallRecord | undefined;
  isEnabled = false;
  isActive = false;
  /** The unit that systemd knows, and what it runs. */
  loaded: Found | undefined;
  running: readonly [unit: Found | undefined, program: Found | undefined] | undefined;

  facts(): InstallFacts {
    return {
      record: this.record,
      found: this.files,
      folders: this.folders,
      releases: this.releases,
      wholeReleases: this.releases,
      sysctls: { "net.ipv4.ip_forward": "0" },
      isEnabled: this.isEnabled,
      isActive: this.isActive,
    };
  }

  /** Carries out the first steps of a plan, all unless a number is given. */
  apply(steps: readonly InstallStep[], count = steps.length): void {
    for (const step of steps.slice(0, count)) this.#applyOne(step);
  }

  install(want: InstallWant = WANT): string[] {
    const { steps } = planInstall(want, this.facts());
    this.apply(steps);
    return steps.map(formatInstallStep);
  }

  /** Uninstalls, or only the first steps of it. */
  uninstall(count?: number): readonly string[] {
    if (!this.record) return [];
    this.isEnabled = false;
    this.isActive = false;
    const { steps, kept } = planUninstall(this.record, {
      dataDir: WANT.dataDir,
      found: this.files,
      unchanged: new Set(this.#unchanged(this.record)),
      releases: this.releases,
      sysctls: { "net.ipv4.ip_forward": "1" },
    });
    this.apply(steps, count);
    return kept;
  }

  #unchanged({ paths }: InstallRecord): string[] {
    return paths.flatMap(({ path, before }) => {
      if (before.kind !== "file") return [];
      const copy = this.backups.get(before.backup);
      const isSame = JSON.stringify(copy) === JSON.stringify(this.files.get(path));
      return copy === undefined || isSame ? [path] : [];
    });
  }

  /** All that a person sees. */
  text(): string[] {
    const files = Array.from(this.files, ([path, found]) => `${path} ${JSON.stringify(found)}`);
    return [...files, ...this.folders, ...this.releases].toSorted();
  }

  #applyOne(step: InstallStep): void {
    const path = "path" in step ? step.path : "";
    switch (step.kind) {
      case "make-folder":
        this.folders.add(path);
        break;
      case "save":
        this.backups.set(step.backup, this.files.get(path) ?? { kind: "absent" });
        break;
      case "record":
      case "complete":
        this.record = parseInstallRecord(formatInstallRecord(step.record));
        break;
      case "copy-release":
        this.releases = [...new Set([...this.releases, step.folder.replace(/.*\//, "")])].sort();
        break;
      case "link":
        this.files.set(path, { kind: "link", target: step.target });
        break;
      case "write":
        this.files.set(path, { kind: "file", text: step.text });
        break;
      case "put-back":
        this.files.set(path, this.backups.get(step.backup) ?? { kind: "absent" });
        break;
      case "remove":
        this.files.delete(path);
        if (path.endsWith("/install.json")) this.record = undefined;
        break;
      case "remove-all":
        this.releases = this.releases.filter((name) => !path.endsWith(name));
        if (path.endsWith("/replaced")) this.backups.clear();
        break;
      case "remove-empty":
        if (this.#isEmpty(path)) this.folders.delete(path);
        break;
      case "enable-unit":
        this.isEnabled = true;
        break;
      case "restart-unit":
        this.isActive = true;
        this.running = [this.loaded, this.files.get("/opt/headcni/headcni")];
        break;
      case "reload-units":
        this.loaded = this.files.get(UNIT);
        break;
    }
    if (step.kind.endsWith("unit") || step.kind === "reload-units") this.calls.push(step.kind);
  }

  #isEmpty(folder: string): boolean {
    const paths = [...this.files.keys(), ...this.folders];
    return !paths.some((path) => path.startsWith(`${folder}/`));
  }
}
