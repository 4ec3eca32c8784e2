/**
 * Takes back what the daemon and the plugins put on a node. What pods need that are still there stays
 * until they are gone, unless it is forced. Leaves out the settings file, the log, the executable by
 * which this runs, and forwarding: others may rely on that by now.
 */
import type { AttachContext } from "../attach/context.ts";
import { nodeStatePath } from "../attach/node_state.ts";
import { formatAttachment } from "../attachment.ts";
import { LegacyForward } from "../delegate/legacy_forward.ts";
import { errorText, StoreError } from "../errors.ts";
import { LinuxKeeper } from "../linux/keeper.ts";
import { SCOPE_LINK } from "../net/route.ts";
import { HEADCNI_RTPROT } from "../netlink/route.ts";
import { listAttachments } from "../store/attachments.ts";
import { listLeases } from "../store/leases.ts";
import { inodeOf, kvPath } from "../store/place.ts";
import { removeStore } from "../store/remove.ts";
import { removeBinaries } from "./binaries.ts";
import { type MadeChange, restoreConflists } from "./conf_files.ts";
import { instanceLockPath, lockInstance } from "./instance_lock.ts";
import { cniDirectories, subnetFilePath } from "./node_files.ts";
import { lastPodCidrPath } from "./pod_cidr_sources.ts";
import { removeFromTailnet } from "./remove_from_tailnet.ts";
import { removeDatapath } from "./resync.ts";
import type { LoadedSettings, Settings } from "./settings/settings.ts";
import { NodeStores, type OpenStores } from "./stores.ts";
import { Work, type WorkOutcome } from "./work.ts";

/** What an uninstall works with. */
export interface UninstallOptions {
  /** Those of the daemon. */
  readonly loaded: LoadedSettings;
  /** With the directories of the settings. */
  readonly attach: AttachContext;
  /** What the node's own paths are below; empty on the node itself. */
  readonly root: string;
  /** Path of our executable; undefined when we run from our source. */
  readonly executable: string | undefined;
  /** Take away what pods need, though some are left. */
  readonly force: boolean;
}

/** What came of it; each text is a command, or a path or network and what became of it. */
export interface UninstallReport extends WorkOutcome {
  /** Interfaces of pods that have an address or a link by us. */
  readonly pods: number;
}

/**
 * Uninstalls; a failure keeps nothing else from being done, and a second call does what is left.
 * @throws HeadcniError `try-again` while a daemon runs, StoreError when a store cannot be read.
 */
export async function uninstallNode(options: UninstallOptions): Promise<UninstallReport> {
  const { loaded, attach, root, force } = options;
  const { settings } = loaded;
  using _lock = lockInstance(settings.runDirectory, "uninstall");
  const pods = await countPods(attach, settings);
  const work = new Work();
  const directories = cniDirectories(loaded, root);
  // The first: no pod comes by us any more.
  await work.attempt(() => {
    const folders = directories.map(({ confDirectory }) => confDirectory);
    return restoreConflists(folders, settings.cni.conflistName).map(formatConfChange);
  });
  if (pods > 0 && !force) return { pods, ...work.outcome };
  // Before the datapath: no other node sends here by then.
  await removeFromTailnet(settings, root, work);
  await removeFromKernel(attach, settings.network.bridge, work);
  for (const directory of new Set(directories.flatMap((each) => each.installDirectories))) {
    await work.attempt(async () => {
      const { removed, others } = await removeBinaries(directory, options.executable);
      work.keep(others.map((path) => `${path}: it is not this program`));
      return removed.map(told);
    });
  }
  await work.attempt(() => removeStore(settings.dataDir, settings.runDirectory).map(told));
  await work.attempt(() => removeFiles(settings, work));
  return { pods, ...work.outcome };
}

/** A change of a folder of network configurations, as people are told of it. */
export function formatConfChange({ directory, change }: MadeChange): string {
  return change.kind === "rename"
    ? `${directory}/${change.to}: it is back`
    : `${directory}/${change.name}: removed`;
}

/** How many interfaces of pods have an address or a link by us. @throws StoreError */
export async function countPods(attach: AttachContext, settings: Settings): Promise<number> {
  await using opened = new NodeStores(attach);
  return await opened.use((open) => countPodsIn(open, settings));
}

async function countPodsIn(
  { stores, unread }: OpenStores,
  { dataDir }: Settings,
): Promise<number> {
  if (unread.length > 0) {
    throw new StoreError(
      "store-failure",
      `Cannot tell whether pods are left: ${unread.join("; ")}`,
    );
  }
  if (inodeOf(kvPath(dataDir)) !== undefined && stores.length === 0) {
    throw new StoreError(
      "store-failure",
      `Cannot tell whether pods are left: a newer release wrote the store in "${dataDir}"`,
      { details: "Uninstall with the headcni of that release" },
    );
  }
  const keys = await Promise.all(
    stores.map((store) =>
      store.read(async (reader) =>
        [...await listLeases(reader), ...await listAttachments(reader)].map(({ key }) => key)
      )
    ),
  );
  return new Set(keys.flat().map(formatAttachment)).size;
}

async function removeFromKernel(attach: AttachContext, bridge: string, work: Work): Promise<void> {
  using keeper = new LinuxKeeper();
  await work.attempt(async () => {
    const legacyForward = new LegacyForward();
    const { changes, failures } = await removeDatapath({
      attach,
      keeper,
      setLegacyForward: (podCidrs) => legacyForward.set(podCidrs),
    });
    work.fail(failures.map(({ part, text }) => `${part}: ${text}`));
    return changes.map(({ text }) => text);
  });
  await work.attempt(() => removeBridge(attach, bridge, work));
}

/**
 * Removes the bridge. One with ports, or with an address that is not ours, is of use to somebody else.
 * @returns what was done, as commands.
 */
export async function removeBridge(
  { node }: Pick<AttachContext, "node">,
  name: string,
  work: Pick<Work, "keep">,
): Promise<string[]> {
  using host = node.openHost();
  const link = host.findLink("host", name);
  if (!link) return [];
  const addresses = host.listAddresses("host", link.index)
    .filter(({ scope }) => scope !== SCOPE_LINK);
  const isOurs = link.linkKind === "bridge" && addresses.length > 0 &&
    addresses.every(({ protocol }) => protocol === HEADCNI_RTPROT);
  if (!isOurs || host.hasPorts(link.index)) {
    const reason = isOurs ? "it has ports" : "not all that is on it is ours";
    work.keep([`${name}: ${reason}; to remove it: ip link delete ${name}`]);
    return [];
  }
  await host.removeLinksInBackground([name]);
  return [`ip link delete ${name}`];
}

/** What the daemon wrote, and its folders. */
export function daemonFiles({ runDirectory, dataDir, socket, ...rest }: Settings): string[] {
  return [
    subnetFilePath({ runDirectory, ...rest }),
    nodeStatePath(runDirectory),
    socket,
    lastPodCidrPath(dataDir),
    instanceLockPath(runDirectory),
    runDirectory,
    dataDir,
  ];
}

/** What the daemon wrote, and the folders of which nothing is left. */
function removeFiles(settings: Settings, work: Work): string[] {
  const { runDirectory, dataDir } = settings;
  return daemonFiles(settings).filter((path) => {
    try {
      Deno.removeSync(path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      const isFolder = path === runDirectory || path === dataDir;
      if (isFolder) work.keep([`${path}: it is not empty`]);
      else work.fail([`Cannot remove "${path}": ${errorText(error)}`]);
      return false;
    }
  }).map(told);
}

function told(path: string): string {
  return `${path}: removed`;
}
