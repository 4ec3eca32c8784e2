/**
 * What an uninstall would do, without doing it: the same looks at the node, and a kernel that carries
 * nothing out. What is in ip_tables is not told beforehand, for only its own program lists that.
 */
import type { AttachContext } from "../attach/context.ts";
import { isPresent } from "../attach/left_over.ts";
import type { Host } from "../host/host.ts";
import { ServiceUnit } from "../delegate/service_unit.ts";
import { LinuxKeeper } from "../linux/keeper.ts";
import { formatPrefix } from "../net/prefix.ts";
import { listStoreFiles } from "../store/remove.ts";
import { OWN_UNIT } from "../tailscale/own_unit.ts";
import { findBinaries } from "./binaries.ts";
import { planConflistRestore } from "./conf_files.ts";
import { memoryFiles, readMemory } from "./mesh/memory_file.ts";
import { cniDirectories } from "./node_files.ts";
import { removeDatapath } from "./resync.ts";
import type { Settings } from "./settings/settings.ts";
import {
  countPods,
  daemonFiles,
  formatConfChange,
  removeBridge,
  type UninstallOptions,
  type UninstallReport,
} from "./uninstall.ts";

/**
 * Looks at all that {@linkcode uninstallNode} would take back.
 * @throws StoreError when a store cannot be read, KernelError.
 */
export async function previewUninstall(options: UninstallOptions): Promise<UninstallReport> {
  const { loaded, root, force, executable } = options;
  const { settings } = loaded;
  const pods = await countPods(options.attach, settings);
  const directories = cniDirectories(loaded, root);
  const folders = directories.map(({ confDirectory }) => confDirectory);
  const done = planConflistRestore(folders, settings.cni.conflistName).map(formatConfChange);
  const kept: string[] = [];
  const report = { pods, done, kept, failures: [] };
  if (pods > 0 && !force) return report;
  done.push(...tailnetChanges(settings, root));
  done.push(...await kernelChanges(options.attach, settings.network.bridge, kept));
  for (const directory of new Set(directories.flatMap((each) => each.installDirectories))) {
    const { ours, others } = await findBinaries(directory, executable);
    done.push(...ours.map(removed));
    kept.push(...others.map((path) => `${path}: it is not this program`));
  }
  const { dataDir, runDirectory } = settings;
  done.push(...listStoreFiles(dataDir, runDirectory).map(removed));
  done.push(...daemonFiles(settings).filter(isPresent).map(removed));
  return report;
}

/** By what is remembered: whether tailscaled can be asked is seen when it is. */
function tailnetChanges(settings: Settings, root: string): string[] {
  const { advertised, approved } = readMemory(settings.dataDir);
  const unit = new ServiceUnit(OWN_UNIT);
  return [
    ...advertised.map((route) => `${formatPrefix(route)}: advertised no more`),
    ...approved.map((route) => `${formatPrefix(route)}: approved no more`),
    ...root === "" && unit.isWritten()
      ? [`systemctl disable --now ${unit.name}`, removed(unit.path)]
      : [],
    ...memoryFiles(settings.dataDir).filter(isPresent).map(removed),
  ];
}

async function kernelChanges(
  attach: AttachContext,
  bridge: string,
  kept: string[],
): Promise<string[]> {
  const node = { ...attach.node, openHost: () => idleHost(attach.node.openHost()) };
  using real = new LinuxKeeper();
  const { changes } = await removeDatapath({
    attach: { ...attach, node },
    keeper: {
      removeTable: () => real.listTable().length > 0,
      setForwardAccept: (podCidrs) => real.missingForwardAccept(podCidrs),
    },
    setLegacyForward: () => Promise.resolve([]),
  });
  const keep = (texts: readonly string[]) => void kept.push(...texts);
  return [...changes.map(({ text }) => text), ...await removeBridge({ node }, bridge, { keep })];
}

/** One that answers, and changes nothing. */
function idleHost(host: Host): Host {
  return new Proxy(host, {
    get(target, name) {
      if (name === "apply") return () => {};
      if (name === "removeLinksInBackground") return () => Promise.resolve();
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function removed(path: string): string {
  return `${path}: removed`;
}
