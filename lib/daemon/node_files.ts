/** The files of the node that the daemon keeps, in the order in which plugins need them. */
import { join } from "@std/path";
import { nodeStatePath } from "../attach/node_state.ts";
import { log } from "../log.ts";
import type { CniDirectories } from "../node/cni_directories.ts";
import { findCniDirectories } from "../node/cni_directories.ts";
import { planConflist } from "../node/conflist.ts";
import { formatSubnetYaml, type SubnetFacts } from "../node/subnet_file_text.ts";
import { writeAtomically } from "./atomic_file.ts";
import { assertBinaries } from "./binaries.ts";
import { assertConflist } from "./conf_files.ts";
import { lastPodCidrPath } from "./pod_cidr_sources.ts";
import { removeLeftOvers } from "./replace_file.ts";
import { readRuntimeFiles } from "./runtime_files.ts";
import type { LoadedSettings, Settings } from "./settings/settings.ts";

/** Name of the subnet file below the run directory. */
const SUBNET_FILE = "env.yaml";
/** Only root reads it, as all of ours. */
const FILE_MODE = 0o600;

/** Path of the subnet file that the daemon writes. */
export function subnetFilePath({ runDirectory }: Pick<Settings, "runDirectory">): string {
  return join(runDirectory, SUBNET_FILE);
}

/**
 * Removes what a daemon that was killed was writing for itself and for plugins, as far as possible;
 * folders of runtimes are cleared at each turn.
 */
export function clearLeftOvers(settings: Pick<Settings, "dataDir" | "runDirectory">): void {
  const { dataDir, runDirectory } = settings;
  const paths = [subnetFilePath(settings), nodeStatePath(runDirectory), lastPodCidrPath(dataDir)];
  for (const path of paths) {
    try {
      removeLeftOvers(path);
    } catch (error) {
      log.warn("Cannot remove what an earlier daemon left", { error });
    }
  }
}

/**
 * The folders of the node's runtimes: those that somebody named, as they are named, else those that are
 * found.
 * @param root what the node's own paths are below, for a daemon in a container.
 */
export function cniDirectories(
  { settings, origins }: LoadedSettings,
  root: string,
): CniDirectories[] {
  const { confDir, binDir } = settings.cni;
  const [isConfNamed, isBinNamed] = [
    isNamed("cni.confDir", origins),
    isNamed("cni.binDir", origins),
  ];
  const found = findCniDirectories(readRuntimeFiles(root), {
    confDirectory: isConfNamed ? confDir : undefined,
    binDirectory: isBinNamed ? binDir : undefined,
  });
  return found.map(({ confDirectory, installDirectories, ...rest }) => ({
    ...rest,
    confDirectory: isConfNamed ? confDirectory : join(root, confDirectory),
    installDirectories: installDirectories.map((path) => isBinNamed ? path : join(root, path)),
  }));
}

/**
 * The folders in which runtimes look for network configurations, whatever we are told to write to; as they
 * are for us, where a folder that somebody names is by its own path.
 */
export function runtimeConfFolders(
  { origins }: Pick<LoadedSettings, "origins">,
  root: string,
): string[] {
  const files = readRuntimeFiles(root);
  if (files.length === 0) return [];
  const at = isNamed("cni.confDir", origins) ? "/" : root;
  return findCniDirectories(files).map(({ confDirectory }) => join(at, confDirectory));
}

function isNamed(key: string, origins: LoadedSettings["origins"]): boolean {
  return (origins.get(key)?.from ?? "default") !== "default";
}

/**
 * Puts our executables where runtimes look for plugins.
 * @param executable undefined when we run from our source: then there is none to install.
 * @returns what was changed, one text each.
 * @throws HeadcniError `io-failure`.
 */
export async function keepBinaries(
  directories: readonly CniDirectories[],
  executable: string | undefined,
): Promise<string[]> {
  if (executable === undefined) return [];
  const changes: string[] = [];
  for (const directory of new Set(directories.flatMap((each) => each.installDirectories))) {
    const installed = await assertBinaries(directory, executable);
    changes.push(...installed.map(({ path, reason }) => `${path}: it was ${reason}`));
  }
  return changes;
}

/**
 * Writes the subnet file.
 * @returns whether it was another one.
 * @throws HeadcniError `io-failure`.
 */
export function keepSubnetFile(settings: Settings, facts: SubnetFacts): boolean {
  Deno.mkdirSync(settings.runDirectory, { recursive: true, mode: 0o700 });
  return writeAtomically(subnetFilePath(settings), formatSubnetYaml(facts), { mode: FILE_MODE });
}

/**
 * Makes our network configuration the one that runtimes use: the last of all, for with it the kubelet
 * calls the node ready.
 * @returns what was changed, one text each.
 * @throws ConfigError when the settings make none; HeadcniError `io-failure`.
 */
export function keepConflist(
  settings: Settings,
  directories: readonly CniDirectories[],
): string[] {
  const { cni } = settings;
  const made = assertConflist(
    directories.map(({ confDirectory }) => confDirectory),
    wantedConflist(settings),
    { name: cni.conflistName, exclusive: cni.exclusive },
  );
  return made.map(({ directory, change }) => `${directory}: ${JSON.stringify(change.kind)}`);
}

/**
 * The network configuration that the settings make.
 * @throws ConfigError when they make none.
 */
export function wantedConflist(settings: Settings): Record<string, unknown> {
  return planConflist(conflistOptions(settings));
}

function conflistOptions(settings: Settings): Parameters<typeof planConflist>[0] {
  const { network, cni, ipam, dataDir, cniPlugins } = settings;
  return {
    mode: cni.mode,
    cniPlugins,
    keys: {
      subnetFile: subnetFilePath(settings),
      datapath: network.datapath,
      bridge: network.bridge,
      ipMasq: network.ipMasq,
      ipMasqTailnet: network.ipMasqTailnet,
      dataDir: dataDir === DEFAULT_DATA_DIRECTORY ? "" : dataDir,
      ipam: {
        type: ipam.type,
        ...ipam.type === "headcni-ipam" && { allocation_strategy: ipam.strategy },
      },
    },
    ...cni.mode === "delegate" && { delegate: { bridge: network.bridge } },
  };
}

/** What the plugin takes by itself. */
const DEFAULT_DATA_DIRECTORY = "/var/lib/headcni";
