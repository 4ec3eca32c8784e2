/** The mesh as one looks at it by hand, with or without a daemon that runs. */
import { parseSubnetFile } from "../../discovery/subnet_file.ts";
import { errorText } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { HeadscaleNode } from "../../mesh/headscale_node.ts";
import type { Probe } from "../../mesh/mesh_facts.ts";
import { podRoutes } from "../../mesh/peer_routes.ts";
import { planPrefs } from "../../mesh/wanted_prefs.ts";
import { distinctPrefixes, type Prefix } from "../../net/prefix.ts";
import { LocalApi } from "../../tailscale/local_api.ts";
import { discoverPodCidrs } from "../discover.ts";
import { subnetFilePath } from "../node_files.ts";
import { tailscaleSocket } from "../own_tailscaled.ts";
import { readBounded } from "../read_bounded.ts";
import type { LoadedSettings, Settings } from "../settings/settings.ts";
import { judgeSight, type MeshVerdict } from "./judge_sight.ts";
import { lookAtMesh, type MeshSight } from "./look.ts";
import { readMemory } from "./memory_file.ts";
import { openHeadscale } from "./open_headscale.ts";
import { type Connect, probePeers, type ProbeTarget } from "./probe.ts";

/** Longest time for an answer of Headscale's, in milliseconds. */
const PATIENCE_MS = 10_000;

/** What the examination works with. */
export interface ExamineOptions {
  /** What the node's own paths are below; empty on the node itself. */
  readonly root: string;
  openHost(): Host;
  /** `NODE_POD_CIDR`. */
  readonly podCidrVariable: string | undefined;
  /** Tries whether the gateways of other nodes' pods answer. */
  readonly probe: boolean;
  /** Another than the machine's, for tests. */
  readonly connect?: Connect;
}

/** What was found. */
export interface MeshExamination extends MeshVerdict {
  readonly sight: MeshSight;
  readonly podCidrs: readonly Prefix[];
  readonly clusterCidrs: readonly Prefix[];
  /** True after `headcni mesh leave`. */
  readonly hasLeft: boolean;
  /** What Headscale says of this node; undefined when it is not to be asked. */
  readonly headscale: {
    readonly node: HeadscaleNode | undefined;
    readonly trouble: string | undefined;
  } | undefined;
  readonly probes: readonly Probe[];
  /** What tailscaled is set to that is not ours to change, and what that costs. */
  readonly warnings: readonly string[];
}

/** Looks at everything, and changes nothing. */
export async function examineMesh(
  loaded: LoadedSettings,
  options: ExamineOptions,
): Promise<MeshExamination> {
  const { settings } = loaded;
  const memory = readMemory(settings.dataDir);
  const { chosen, cluster: { clusterCidrs } } = discoverPodCidrs(loaded, {
    root: options.root,
    environment: options.podCidrVariable,
    apiServer: undefined,
    hostRoutes: [],
    inUse: [],
  });
  const podCidrs = distinctPrefixes([...chosen?.cidrs ?? [], ...memory.advertised]);
  using api = new LocalApi(tailscaleSocket(settings) ?? "");
  const sight = await lookAtMesh(api, options.openHost);
  const headscale = await askHeadscale(settings, sight.status?.self?.nodeKey);
  const targets = options.probe ? probeTargets(sight, clusterCidrs) : [];
  const probes = await probePeers(podCidrs, targets, options.connect);
  const verdict = judgeSight(settings, sight, {
    podCidrs,
    clusterCidrs,
    podMtuBytes: podMtuBytes(settings),
    headscale,
    probes,
  });
  return {
    ...verdict,
    ...{ sight, podCidrs, clusterCidrs, hasLeft: memory.left, headscale, probes },
    warnings: warningsOf(settings, sight, podCidrs),
  };
}

/** Networks of pods that other nodes serve. */
export function probeTargets(
  { status }: MeshSight,
  clusterCidrs: readonly Prefix[],
): ProbeTarget[] {
  return (status?.peers ?? []).flatMap((peer) =>
    podRoutes(peer, clusterCidrs).map((prefix) => ({ peer, prefix }))
  );
}

/** The same that the daemon tells of. */
function warningsOf(
  { tailscale: { mode } }: Settings,
  { prefs, socket }: MeshSight,
  podCidrs: readonly Prefix[],
): readonly string[] {
  if (!prefs || mode === "off") return [];
  return planPrefs({ podCidrs, socket, mode }, prefs, []).warnings;
}

/** A person waits for it: one that does not answer is told as such, and not asked again. */
async function askHeadscale(
  { headscale }: Settings,
  nodeKey: string | undefined,
): Promise<MeshExamination["headscale"]> {
  try {
    const timeout = { ms: Math.min(headscale.timeout.ms, PATIENCE_MS) };
    using client = openHeadscale({ headscale: { ...headscale, timeout, retries: 0 } });
    if (!client) return undefined;
    const node = nodeKey === undefined ? undefined : await client.findNode({ nodeKey });
    return { node, trouble: undefined };
  } catch (error) {
    return { node: undefined, trouble: errorText(error) };
  }
}

/** What pods get, by what the daemon told the plugin; undefined where it told nothing. */
function podMtuBytes(settings: Settings): number | undefined {
  const path = subnetFilePath(settings);
  try {
    const text = readBounded(path);
    return text === undefined ? undefined : parseSubnetFile({ path, text }, {}, [path]).mtuBytes;
  } catch {
    return undefined; // whatever is wrong with it: pods get no MTU that is known here
  }
}
