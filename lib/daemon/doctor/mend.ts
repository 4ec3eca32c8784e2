/**
 * Mends what `headcni doctor` may mend: only what the daemon, an ADD or `headcni ipam gc` would do by
 * themselves, by the same code. What the daemon keeps is left to one that runs.
 */
import { collectDead, DEFAULT_GRACE_MS } from "../../attach/collect_dead.ts";
import { recollect } from "../../attach/recollect.ts";
import { formatAttachment } from "../../attachment.ts";
import { parseNetworkConfig } from "../../cni/network_config.ts";
import { examineStore, listStoreFaults } from "../../delegate/examine.ts";
import { LegacyForward } from "../../delegate/legacy_forward.ts";
import type { Remedy } from "../../doctor/check.ts";
import { errorText } from "../../errors.ts";
import { LinuxKeeper } from "../../linux/keeper.ts";
import { formatHostPort } from "../../net/host_port.ts";
import { inodeOf, kvPath } from "../../store/place.ts";
import { locateStore, openStore } from "../../store/store.ts";
import { lockInstance } from "../instance_lock.ts";
import { wantedConflist } from "../node_files.ts";
import { turnNode } from "../node_turn.ts";
import { emptyReport } from "../report.ts";
import { NodeStores } from "../stores.ts";
import { tailnetDeviceName } from "../tailnet_device.ts";
import { listStores } from "../stores.ts";
import { type DoctorOptions, Scene } from "./scene.ts";

/** What came of a remedy; each text is a command, or a path and what became of it. */
export interface Mended {
  readonly done: readonly string[];
  readonly failures: readonly string[];
}

/** Does it; what fails is told. */
export async function mendNode(remedy: Remedy, options: DoctorOptions): Promise<Mended> {
  const done: string[] = [];
  try {
    return { done, failures: await REMEDIES[remedy](options, done) };
  } catch (error) {
    return { done, failures: [errorText(error)] };
  }
}

/** Adds what it did to `done`; answers what it could not do. */
type Mender = (options: DoctorOptions, done: string[]) => Promise<string[]>;

const REMEDIES: Readonly<Record<Remedy, Mender>> = {
  turn: makeTurn,
  leases: freeLeases,
  store: mendStores,
};

/** Two who keep a node by different settings would undo each other's work. */
async function makeTurn(options: DoctorOptions, done: string[]): Promise<string[]> {
  const { loaded, attach, root, executable } = options;
  const { settings } = loaded;
  using _lock = lockInstance(settings.runDirectory, "mend the node");
  await using scene = new Scene(options);
  using keeper = new LinuxKeeper();
  const legacy = new LegacyForward();
  const apiServer = settings.kube.access === "off" ? undefined : await scene.api().then(
    ({ finding }) => finding,
    (error) => ({ fault: errorText(error) }),
  );
  const report = emptyReport();
  const failures = await scene.stores.use((open) =>
    turnNode({
      ...{ loaded, root, executable, apiServer },
      upkeep: { attach, keeper, setLegacyForward: (cidrs) => legacy.set(cidrs), ...open },
      tailnetDevice: tailnetDeviceName(settings),
      onMended: (kind, changes) => done.push(...changes.map((change) => `${kind}: ${change}`)),
    }, report)
  );
  const { discovery } = report;
  return discovery && !discovery.chosen ? [...failures, ...discovery.reasons] : failures;
}

async function freeLeases({ attach }: DoctorOptions, done: string[]): Promise<string[]> {
  await using stores = new NodeStores(attach);
  return await stores.use(async ({ stores, unread }) => {
    const failures = [...unread];
    for (const store of stores) {
      const judged = await collectDead(store, attach, {
        graceMs: DEFAULT_GRACE_MS,
        dryRun: false,
        onSwept: (ports) =>
          done.push(...ports.map((port) => `host port ${formatHostPort(port)}: closed`)),
      });
      for (const { lease: { key }, isReleased, failure } of judged) {
        if (isReleased) done.push(`lease of ${formatAttachment(key)}: freed`);
        if (failure !== undefined) failures.push(`${formatAttachment(key)}: ${failure}`);
      }
    }
    return failures;
  });
}

/** As an ADD opens them: a damaged one is made anew, what waits is written, the ballast made. */
async function mendStores({ loaded, attach }: DoctorOptions, done: string[]): Promise<string[]> {
  const { self, runDirectory } = attach;
  const { plugins: [own] = [], ...list } = Object(wantedConflist(loaded.settings));
  const config = parseNetworkConfig({ ...own, name: list.name }, list.cniVersion, "DEL");
  const present = listStores(attach)
    .filter((directory) => inodeOf(kvPath(directory)) !== undefined);
  for (const directory of present) {
    const { path, hold } = locateStore({ directory, runDirectory });
    const faults = await hold("exclusive", async (held) => {
      const faults = await listStoreFaults(self, path);
      held.isSuspect = faults.length > 0;
      return faults;
    });
    const recall = (damaged: string | undefined) => recollect(config, attach, directory, damaged);
    const mender = { examine: (file: string) => examineStore(self, file), recall };
    await using store = await openStore({ directory, runDirectory, mender });
    await store.write(() => {});
    done.push(`${directory}: ${faults.length > 0 ? "made anew" : "written what waited"}`);
  }
  return [];
}
