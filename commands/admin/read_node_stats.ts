/** Everything that is counted on this node: by the stores and by the daemon. */
import { formatAttachment } from "../../lib/attachment.ts";
import type { Environment } from "../../lib/cni/environment.ts";
import { askDaemon } from "../../lib/daemon/ask_daemon.ts";
import { parseExposition } from "../../lib/daemon/read_exposition.ts";
import type { Settings } from "../../lib/daemon/settings/settings.ts";
import { errorText } from "../../lib/errors.ts";
import { listAttachments } from "../../lib/store/attachments.ts";
import { listLeases } from "../../lib/store/leases.ts";
import { listPorts } from "../../lib/store/ports.ts";
import type { StoreReader } from "../../lib/store/transaction.ts";
import { joinStats, readStoreStats, type Stats } from "./ipam/read_stats.ts";
import { readSettings, type SettingsOptions } from "./settings.ts";
import { noStore, visitStores } from "./stores.ts";

/** What programs get. */
export interface NodeStats extends Stats {
  readonly attachments: AttachmentCounts;
  /** Host ports by protocol. */
  readonly ports: Readonly<Record<string, number>>;
  readonly daemon: DaemonCounts;
}

/** Interfaces of pods. */
export interface AttachmentCounts {
  readonly added: number;
  /** Whose ADD is not finished. */
  readonly adding: number;
  /** With an address, and no link by us. */
  readonly leased: number;
}

/** What the daemon counts since it started. */
export interface DaemonCounts {
  readonly running: boolean;
  /** Why it could not be asked; null when it answered. */
  readonly trouble: string | null;
  /** What it mended, by kind. */
  readonly repairs: Readonly<Record<string, number>>;
  /** Metrics of the tailnet, with their labels. */
  readonly mesh: Readonly<Record<string, number>>;
}

/** What it is told. */
export interface ReadStatsOptions extends SettingsOptions {
  readonly store?: string;
}

/**
 * Counts, whether the daemon runs or not; a node without a store has counted nothing.
 * @throws ConfigError for settings that cannot be used; StoreError when a store cannot be read.
 */
export async function readNodeStats(
  options: ReadStatsOptions,
  env: Environment,
): Promise<NodeStats> {
  const { settings } = readSettings(options, env);
  const [daemon, stores] = await Promise.all([
    countsOfDaemon(settings),
    visitStores(options.store, { ...env, HEADCNI_RUN_DIR: settings.runDirectory }, async (
      directory,
      store,
    ) => store ? [await store.read((reader) => readCounts(reader, directory))] : []),
  ]);
  const counted = stores.flat();
  if (options.store !== undefined && counted.length === 0) throw noStore(options.store);
  return {
    ...joinStats(counted.map(({ stats }) => stats), settings.node.name),
    attachments: {
      added: sum(counted.map(({ attachments }) => attachments.added)),
      adding: sum(counted.map(({ attachments }) => attachments.adding)),
      leased: sum(counted.map(({ attachments }) => attachments.leased)),
    },
    ports: countBy(counted.flatMap(({ protocols }) => protocols)),
    daemon,
  };
}

async function readCounts(reader: StoreReader, directory: string) {
  const attachments = await listAttachments(reader);
  const attached = new Set(attachments.map(({ key }) => formatAttachment(key)));
  const leases = await listLeases(reader);
  const ports = await listPorts(reader);
  return {
    stats: await readStoreStats(reader, directory),
    attachments: {
      added: attachments.filter(({ phase }) => phase === "added").length,
      adding: attachments.filter(({ phase }) => phase === "adding").length,
      leased: leases.filter(({ key }) => !attached.has(formatAttachment(key))).length,
    },
    protocols: ports.map(({ port }) => port.protocol),
  };
}

/** Prefix of what `/metrics` tells of the tailnet. */
const MESH = "headcni_mesh_";
const REPAIRS = "headcni_repairs_total";

async function countsOfDaemon({ socket, monitoring }: Settings): Promise<DaemonCounts> {
  try {
    const { text } = await askDaemon(socket, monitoring.path);
    const samples = parseExposition(text).flatMap((family) => family.samples);
    const ofMesh = samples.filter(({ name }) => name.startsWith(MESH));
    const repairs = samples.filter(({ name }) => name === REPAIRS);
    return {
      running: true,
      trouble: null,
      repairs: Object.fromEntries(repairs.map(({ labels, value }) => [labels.kind ?? "", value])),
      mesh: Object.fromEntries(
        ofMesh.map(({ line, value }) => [line.slice(MESH.length).replace(/ \S+$/, ""), value]),
      ),
    };
  } catch (error) {
    return { running: false, trouble: errorText(error), repairs: {}, mesh: {} };
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function countBy(kinds: readonly string[]): Record<string, number> {
  const groups = Map.groupBy(kinds, (kind) => kind);
  return Object.fromEntries(Array.from(groups, ([kind, { length }]) => [kind, length]));
}
