/** Everything that `headcni status` tells of this node, whether the daemon runs or not. */
import { readNodeState } from "../../../lib/attach/node_state.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { discoverPodCidrs } from "../../../lib/daemon/discover.ts";
import type { SightView } from "../../../lib/daemon/mesh/mesh_report.ts";
import { loadSettings } from "../../../lib/daemon/settings/load.ts";
import { readFlags } from "../../../lib/daemon/settings/read_flags.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { errorText, HeadcniError } from "../../../lib/errors.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { VERSION } from "../../../lib/version.ts";
import { pluginContext } from "../../context.ts";
import type { PoolStats } from "../ipam/read_stats.ts";
import { readSettings, type SettingsOptions } from "../settings.ts";
import { type ConflistView, readConflists } from "./read_conflists.ts";
import { type DaemonView, readDaemon, type ToldStatus } from "./read_daemon.ts";
import { readRuntimes, type RuntimeView } from "./read_runtimes.ts";
import { readStores, type StoreStatus } from "./read_stores.ts";

/** What programs get. */
export interface Status {
  /** The release of this program. */
  readonly version: string;
  readonly node: string;
  readonly daemon: DaemonView;
  /** One for each folder that a runtime reads. */
  readonly conflists: readonly ConflistView[];
  readonly podCidr: PodCidrView;
  /** Why the plugins say that no pod can be attached. */
  readonly problems: readonly string[];
  readonly pools: readonly PoolStats[];
  /** Null where there is no tailnet, or none was looked at yet. */
  readonly mesh: MeshView | null;
  readonly runtimes: readonly RuntimeView[];
  readonly stores: readonly StoreStatus[];
  /** What could not be looked at, one text each. */
  readonly unseen: readonly string[];
}

/** The networks of this node's pods. */
export interface PodCidrView {
  readonly cidrs: readonly string[];
  /** Who named them; null for nobody. */
  readonly source: string | null;
  /** Where exactly. */
  readonly origin: string | null;
  /** Since when they are these, RFC 3339; null when no daemon tells it. */
  readonly since: string | null;
  /** What each source says. */
  readonly sources: readonly string[];
}

/** This node in its tailnet, in short. */
export type MeshView = Pick<
  SightView,
  | "connected"
  | "state"
  | "trouble"
  | "controlServer"
  | "addresses"
  | "peers"
  | "keyExpiry"
  | "advertised"
  | "served"
>;

/** What it is told. */
export interface ReadStatusOptions extends SettingsOptions {
  readonly store?: string;
}

/** Looks at everything, and changes nothing; what cannot be seen is told as such. */
export async function readStatus(options: ReadStatusOptions, env: Environment): Promise<Status> {
  const unseen: string[] = [];
  const tell = (trouble: string) => void unseen.push(trouble);
  const loaded = settingsOrDefaults(options, env, tell);
  const { settings } = loaded;
  const root = env.HEADCNI_HOST_ROOT ?? "";
  const { node } = pluginContext(env);
  const ownEnv = { ...env, HEADCNI_RUN_DIR: settings.runDirectory };
  const [{ view: daemon, told, trouble }, runtimes, sights] = await Promise.all([
    readDaemon(settings.socket),
    readRuntimes(root, env, tell),
    attempt([], () => readStores(options.store, ownEnv), tell),
  ]);
  if (trouble !== undefined) tell(trouble);
  const mesh = told || settings.tailscale.mode === "off"
    ? told?.mesh ?? null
    : await attempt(null, async () => {
      const { lookAtMesh } = await import("./look_at_mesh.ts");
      return await lookAtMesh(settings, () => node.openHost());
    }, tell);
  return {
    version: VERSION,
    node: settings.node.name,
    daemon,
    conflists: await attempt([], () => readConflists(loaded, root), tell),
    podCidr: told ? toldPodCidr(told) : findPodCidr(loaded, root, env),
    problems: readNodeState(settings.runDirectory, node.bootId())?.problems ?? [],
    pools: sights.flatMap(({ pools }) => pools),
    mesh,
    runtimes,
    stores: sights.map(({ store }) => store),
    unseen,
  };
}

/** A node whose settings cannot be used can be looked at all the same. */
function settingsOrDefaults(
  options: SettingsOptions,
  env: Environment,
  tell: (trouble: string) => void,
): LoadedSettings {
  try {
    return readSettings(options, env);
  } catch (error) {
    tell(`${textOf(error)}; what is told is by the defaults`);
    const { HEADCNI_RUN_DIR, HEADCNI_DATA_DIR, NODE_NAME } = env;
    const variables = { HEADCNI_RUN_DIR, HEADCNI_DATA_DIR, NODE_NAME };
    return loadSettings({ line: readFlags([]), env: variables, defaultPath: "" });
  }
}

async function attempt<Value>(
  otherwise: Value,
  look: () => Value | Promise<Value>,
  tell: (trouble: string) => void,
): Promise<Value> {
  try {
    return await look();
  } catch (error) {
    tell(textOf(error));
    return otherwise;
  }
}

/** In one line. */
function textOf(error: unknown): string {
  const details = error instanceof HeadcniError ? error.details : undefined;
  return [errorText(error), ...details?.split("\n") ?? []].join("; ");
}

function toldPodCidr({ podCidrs: cidrs, source, origin, since, sources }: ToldStatus): PodCidrView {
  return { cidrs, source, origin, since, sources };
}

/** By what lies on the disk: the API server is not asked. */
function findPodCidr(loaded: LoadedSettings, root: string, env: Environment): PodCidrView {
  const { chosen, reasons } = discoverPodCidrs(loaded, {
    root,
    environment: env.NODE_POD_CIDR || undefined,
    apiServer: undefined,
    hostRoutes: [],
    inUse: [],
  });
  return {
    cidrs: chosen?.cidrs.map(formatPrefix) ?? [],
    source: chosen?.source ?? null,
    origin: chosen?.origin ?? null,
    since: null,
    sources: reasons,
  };
}
