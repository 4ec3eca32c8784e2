/**
 * One turn of the daemon's work on its node, in the order in which things are needed: the network of
 * its pods, executables, subnet file, datapath, and last the network configuration, with which the
 * kubelet calls the node ready.
 */
import type { AttachContext } from "../attach/context.ts";
import { errorText } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { formatAddress } from "../net/address.ts";
import type { Link } from "../net/link.ts";
import { equalPrefixSets, formatPrefix } from "../net/prefix.ts";
import { HEADCNI_RTPROT, RT_TABLE_MAIN, RTN_UNICAST } from "../netlink/route.ts";
import { podMtu } from "../pod/addresses.ts";
import type { HostRoute } from "../node/overlaps.ts";
import type { PodCidrFinding } from "../node/computed_pod_cidr.ts";
import { DEFAULT_NETWORK } from "../node/conflist.ts";
import { gatewayOf } from "../node/gateway_of.ts";
import type { ChosenPodCidr } from "../node/pod_cidr.ts";
import { remotePodCidrs } from "../node/remote_pod_cidrs.ts";
import { discoverPodCidrs, type Discovery } from "./discover.ts";
import { type HostSight, lookAtHost } from "./host_sight.ts";
import {
  cniDirectories,
  keepBinaries,
  keepConflist,
  keepSubnetFile,
  subnetFilePath,
} from "./node_files.ts";
import { keepLastPodCidr } from "./pod_cidr_sources.ts";
import { localProblems, type NodeReport } from "./report.ts";
import { resyncDatapath } from "./resync.ts";
import type { LoadedSettings, Settings } from "./settings/settings.ts";
import { tellPlugins } from "./tell_plugins.ts";
import type { UpkeepContext, UpkeepOutcome, UpkeepWant } from "./upkeep.ts";

/** What a turn works with. */
export interface NodeWork {
  readonly loaded: LoadedSettings;
  readonly upkeep: UpkeepContext;
  /** What the node's own paths are below; empty on the node itself. */
  readonly root: string;
  /** Path of our executable; undefined when we run from our source. */
  readonly executable: string | undefined;
  readonly apiServer: PodCidrFinding | undefined;
  /** Name of the link to the tailnet, which may not be there; undefined where there is no tailnet. */
  readonly tailnetDevice: string | undefined;
  /** Is told of what was mended. */
  onMended?(kind: string, changes: readonly string[]): void;
}

/**
 * Does it, and leaves in the report what came of it. One thing that fails keeps nothing else from
 * being done, but the network configuration waits for what it needs.
 * @returns what could not be done, one text each.
 */
export async function turnNode(work: NodeWork, report: NodeReport): Promise<string[]> {
  const { loaded, upkeep: { attach } } = work;
  using host = attach.node.openHost();
  const sight = lookAtHost(host);
  const discovery = lookForCidrs(work, sight, report);
  report.discovery = discovery;
  tellPlugins(attach, localProblems(report));
  const failures: string[] = [...work.upkeep.unread];
  const attempt = async (what: string, act: () => unknown) => {
    try {
      await act();
      return true;
    } catch (error) {
      failures.push(`${what}: ${errorText(error)}`);
      return false;
    }
  };
  const directories = cniDirectories(loaded, work.root);
  const { chosen } = discovery;
  report.inUse = chosen ?? report.inUse;
  const { inUse } = report;
  const tailnet = sight.links.find(({ name }) => name === work.tailnetDevice);
  const mtuBytes = wantedMtu(loaded.settings, host, tailnet);
  report.podMtuBytes = mtuBytes;
  const done = [
    await attempt("executables", async () => {
      tell("executable", await keepBinaries(directories, work.executable), report, work);
    }),
  ];
  if (chosen) {
    done.push(
      await attempt("last good value", () => keepChoice(loaded.settings, chosen, attach, report)),
      await attempt("subnet file", () => {
        if (writeSubnetFile(loaded.settings, discovery, chosen, mtuBytes)) {
          tell("subnet_file", [`${subnetFilePath(loaded.settings)}: written`], report, work);
        }
      }),
    );
  }
  if (inUse) {
    done.push(
      await attempt("datapath", async () => {
        const want = wantedUpkeep(loaded.settings, discovery, inUse, {
          mtuBytes,
          routes: sight.routes,
          tailnet,
        });
        const outcome = await resyncDatapath(work.upkeep, want, host, sight);
        report.localCidrs = outcome.local;
        failures.push(...tellOutcome(outcome, report, work));
        tellWarnings(outcome.warnings, report);
      }),
    );
  }
  if (chosen && done.every(Boolean)) {
    report.isConfigured = await attempt("network configuration", () => {
      tell("conflist", keepConflist(loaded.settings, directories), report, work);
    });
  }
  return failures;
}

/** One value for all that the daemon tells of it: another plugin does not look at these links. */
export function wantedMtu({ network }: Settings, host: Host, tailnet: Link | undefined): number {
  const uplinkMtuBytes = network.mtu === undefined ? host.uplinkMtuBytes() : undefined;
  return podMtu({ mtuBytes: network.mtu }, uplinkMtuBytes, tailnet?.mtuBytes);
}

function lookForCidrs(
  { loaded, root, apiServer, upkeep }: NodeWork,
  sight: HostSight,
  report: NodeReport,
): Discovery {
  const discovery = discoverPodCidrs(loaded, {
    root,
    environment: upkeep.attach.env.NODE_POD_CIDR,
    apiServer,
    hostRoutes: foreignRoutes(sight, loaded.settings.network.bridge),
    inUse: report.inUse?.cidrs ?? [],
  });
  const { chosen, verdict } = discovery;
  const before = report.discovery?.chosen;
  if (!chosen && (before || !report.discovery)) {
    log.error("No network for the pods of this node", { reasons: discovery.reasons });
  } else if (chosen && !(before && equalPrefixSets(before.cidrs, chosen.cidrs))) {
    const { source, origin } = chosen;
    log.info(`Use ${chosen.cidrs.map(formatPrefix).join(", ")} for the pods of this node`, {
      source,
      origin,
      warnings: verdict.warnings,
    });
  }
  return discovery;
}

/** Routes of the node that have nothing to do with our pods. */
export function foreignRoutes({ links, aliases, routes }: HostSight, bridge: string): HostRoute[] {
  const ours = new Set([bridge, ...aliases.map(({ link }) => link)]);
  const nameOf = new Map(links.map(({ index, name }) => [index, name]));
  return routes
    .filter(({ table, protocol, routeType }) =>
      table === RT_TABLE_MAIN && protocol !== HEADCNI_RTPROT && routeType === RTN_UNICAST
    )
    .map(({ destination, gateway, linkIndex }) => ({
      destination,
      link: linkIndex === undefined ? undefined : nameOf.get(linkIndex),
      hasGateway: gateway !== undefined,
    }))
    .filter(({ link }) => link === undefined || !ours.has(link));
}

function keepChoice(
  { dataDir, node }: Settings,
  chosen: ChosenPodCidr,
  attach: AttachContext,
  report: NodeReport,
): void {
  Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const now = new Date(attach.nowMs());
  const kept = keepLastPodCidr(dataDir, node.name, chosen, now);
  report.podCidrSince = kept?.since ?? report.podCidrSince ?? now.toISOString();
}

function writeSubnetFile(
  settings: Settings,
  { cluster: { clusterCidrs, serviceCidrs } }: Discovery,
  { cidrs }: ChosenPodCidr,
  mtuBytes: number,
): boolean {
  const { network, node, dns: { magicDNS } } = settings;
  const { nameservers, searchDomains, options } = magicDNS;
  const dns = {
    ...nameservers.length > 0 && { nameservers: nameservers.map(formatAddress) },
    ...searchDomains.length > 0 && { search: searchDomains },
    ...options.length > 0 && { options },
  };
  return keepSubnetFile(settings, {
    nodeName: node.name,
    podCidrs: cidrs,
    clusterCidrs,
    serviceCidrs,
    mtuBytes,
    ipMasq: network.ipMasq,
    routes: [],
    dns: magicDNS.enabled ? dns : {},
  });
}

/** What the kernel of the node is to be like. */
export function wantedUpkeep(
  { network }: Settings,
  { cluster }: Pick<Discovery, "cluster">,
  { cidrs }: Pick<ChosenPodCidr, "cidrs">,
  { mtuBytes, routes, tailnet }: {
    readonly mtuBytes: number;
    readonly routes: HostSight["routes"];
    readonly tailnet: Link | undefined;
  },
): UpkeepWant {
  return {
    network: DEFAULT_NETWORK,
    datapath: network.datapath,
    bridge: network.bridge,
    podCidrs: cidrs,
    clusterCidrs: cluster.clusterCidrs,
    serviceCidrs: cluster.serviceCidrs,
    gateways: cidrs.map(gatewayOf),
    mtuBytes,
    hairpinMode: true,
    portIsolation: false,
    guardClusterCidr: network.guardClusterCIDR,
    ipMasq: network.ipMasq,
    ipMasqTailnet: network.ipMasqTailnet,
    remotePodCidrs: remotePodCidrs(cluster, routes, tailnet),
    tailnetDevice: tailnet?.name,
  };
}

/** Counts what was mended, and logs it. */
function tell(
  kind: string,
  changes: readonly string[],
  report: NodeReport,
  { onMended }: Pick<NodeWork, "onMended"> = {},
): void {
  if (changes.length === 0) return;
  onMended?.(kind, changes);
  report.repairs.set(kind, (report.repairs.get(kind) ?? 0) + changes.length);
  log.info("Mended the node", { kind, changes });
}

/** Logs those that were not there at the last turn. */
function tellWarnings(warnings: readonly string[], report: NodeReport): void {
  for (const text of warnings) if (!report.warnings.includes(text)) log.warn(text);
  report.warnings = warnings;
}

/** {@linkcode tell} of a pass; answers its failures. */
export function tellOutcome(
  { changes, failures }: UpkeepOutcome,
  report: NodeReport,
  told: Pick<NodeWork, "onMended"> = {},
): string[] {
  for (const [part, events] of Map.groupBy(changes, ({ part }) => part)) {
    tell(part, events.map(({ text }) => text), report, told);
  }
  report.repairFailures += failures.length;
  return failures.map(({ part, text }) => `${part}: ${text}`);
}
