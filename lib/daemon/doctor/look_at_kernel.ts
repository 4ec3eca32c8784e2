/** Looks at the kernel of the node: what is there, and what the daemon would change. */
import { kernelSysctls } from "../../doctor/kernel_checks.ts";
import type { DatapathSight, KernelSight } from "../../doctor/sight.ts";
import { formatStep } from "../../host/format.ts";
import type { Host } from "../../host/host.ts";
import type { Link } from "../../net/link.ts";
import { containsAddress, formatPrefix, overlaps, type Prefix } from "../../net/prefix.ts";
import type { KernelRoute } from "../../net/route.ts";
import { HEADCNI_RTPROT, RTN_UNICAST, RTN_UNREACHABLE } from "../../netlink/route.ts";
import { TAILNET_PREFIXES } from "../../nft/masquerade.ts";
import { DEFAULT_NETWORK } from "../../node/conflist.ts";
import type { HostSight } from "../host_sight.ts";
import { TAILSCALE_TABLE } from "../../node/remote_pod_cidrs.ts";
import { foreignRoutes, wantedMtu, wantedUpkeep } from "../node_turn.ts";
import { type PassPlan, planPass } from "../resync.ts";
import { tailnetDeviceName } from "../tailnet_device.ts";
import { UpkeepLog, type UpkeepWant } from "../upkeep.ts";
import { requireNetwork, type Scene } from "./scene.ts";

/** Names of links that other CNIs make. */
const FOREIGN_LINKS = [
  ...[
    "cni0",
    "flannel.1",
    "flannel-v6.1",
    "flannel-wg",
    "kube-bridge",
    "cilium_host",
    "cilium_net",
  ],
  ...["cilium_vxlan", "vxlan.calico", "antrea-gw0", "weave", "kilo0"],
];

/**
 * Whatever the network of the pods is.
 * @throws KernelError.
 */
export function lookAtKernel(scene: Scene): KernelSight {
  const { loaded: { settings }, attach } = scene.options;
  const { bridge } = settings.network;
  const { links } = scene.sight();
  using host = attach.node.openHost();
  const tailnetDevice = findTailnet(scene)?.name;
  const isOurs = ({ name }: Link) => name === bridge || name === tailnetDevice;
  const addresses = host.listAddresses("host").flatMap((address) => {
    const link = links.find(({ index }) => index === address.linkIndex);
    return link
      ? [{ ...address, link, text: `${formatPrefix(address.address)} on ${link.name}` }]
      : [];
  });
  const [shared] = TAILNET_PREFIXES;
  return {
    sysctls: readSysctls(host, kernelSysctls(bridge, tailnetDevice)),
    bridge,
    tailnetDevice,
    // A link without carrier is asked nothing, and asks nobody.
    tentative: addresses.filter(({ tentative, link }) => tentative && link.carrier && isOurs(link))
      .map(({ text }) => text),
    sharedAddresses: addresses.filter(({ address, link }) =>
      !isOurs(link) && shared !== undefined && containsAddress(shared, address.address) &&
      !isTailnetLike(link)
    ).map(({ text }) => text),
    foreignLinks: links.map(({ name }) => name).filter((name) => FOREIGN_LINKS.includes(name)),
  };
}

/**
 * What the daemon would do, by the network that it uses.
 * @throws HeadcniError when no network is known; KernelError.
 */
export async function lookAtDatapath(scene: Scene): Promise<DatapathSight> {
  using host = scene.options.attach.node.openHost();
  const sight = scene.sight();
  const { want, plan, troubles } = await planTurn(scene, host);
  const { settings } = scene.options.loaded;
  const { mtuBytes, bridge, podCidrs, clusterCidrs } = want;
  return {
    mends: plan.mends.map(({ part, step }) => ({
      part,
      text: formatStep(step),
      isRemoval: step.kind.startsWith("remove-"),
    })),
    troubles,
    podCidrs: plan.local,
    largeLinks: largeLinks(sight, mtuBytes),
    mtuBytes,
    acceptedRoutes: sight.routes
      .filter(({ table, routeType }) => table === TAILSCALE_TABLE && routeType === RTN_UNICAST)
      .map(({ destination }) => destination),
    hostRoutes: foreignRoutes(sight, bridge)
      .filter(({ link }) => link !== tailnetDeviceName(settings)),
    blackholes: blackholes(sight.routes, [...podCidrs, ...clusterCidrs]),
    lacksClusterCidr: clusterCidrs.length === 0 && settings.network.guardClusterCIDR &&
      settings.tailscale.mode !== "off",
  };
}

/** A pass of the daemon as it would be now. */
export interface PlannedTurn {
  readonly want: UpkeepWant;
  readonly plan: PassPlan;
  /** What cannot be mended at all. */
  readonly troubles: readonly string[];
  /** Why some store cannot be read; none when all can be. */
  readonly unread: readonly string[];
}

/** Plans it; what stores cannot tell is left out. */
export async function planTurn(scene: Scene, host: Host): Promise<PlannedTurn> {
  const { loaded: { settings } } = scene.options;
  const { chosen, cluster } = await scene.network();
  const sight = scene.sight();
  const tailnet = findTailnet(scene);
  const want = wantedUpkeep(settings, { cluster }, requireNetwork(chosen), {
    mtuBytes: wantedMtu(settings, host, tailnet),
    routes: sight.routes,
    tailnet,
  });
  const log = new UpkeepLog();
  const plan = (stores: Parameters<typeof planPass>[0]["stores"]) =>
    planPass({ stores }, want, host, sight, log);
  try {
    return await scene.stores.use(async ({ stores, unread }) => ({
      want,
      plan: await plan(stores),
      troubles: log.failures.filter(({ part }) => part === "bridge").map(({ text }) => text),
      unread,
    }));
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    return { want, plan: await plan([]), troubles: [], unread: [error.message] };
  }
}

/** The link to the tailnet, where it is there. */
export function findTailnet(scene: Scene): Link | undefined {
  const device = tailnetDeviceName(scene.options.loaded.settings);
  return scene.sight().links.find(({ name }) => name === device);
}

/** Of pods that have another MTU than the others will have. */
function largeLinks({ links, aliases }: HostSight, mtuBytes: number): string[] {
  const ours = new Set(
    aliases.filter(({ key }) => key.network === DEFAULT_NETWORK).map(({ link }) => link),
  );
  return links.filter((link) => ours.has(link.name) && link.mtuBytes > mtuBytes)
    .map((link) => `${link.name} has ${link.mtuBytes} bytes`);
}

/** Names of the types that refuse, beside `unreachable`: linux/rtnetlink.h. */
const REFUSING: Readonly<Record<number, string>> = {
  6: "blackhole",
  [RTN_UNREACHABLE]: "unreachable",
  8: "prohibit",
};

function blackholes(routes: readonly KernelRoute[], pods: readonly Prefix[]): string[] {
  return routes.flatMap(({ routeType, protocol, destination }) => {
    const word = REFUSING[routeType];
    const isTheirs = protocol !== HEADCNI_RTPROT && destination.length > 0;
    if (word === undefined || !isTheirs || !pods.some((cidr) => overlaps(cidr, destination))) {
      return [];
    }
    return [`${word} ${formatPrefix(destination)}`];
  });
}

function readSysctls(host: Host, paths: readonly (readonly string[])[]): Map<string, string> {
  return new Map(paths.flatMap((path) => {
    const value = host.readSysctl("host", path);
    return value === undefined ? [] : [[path.join("/"), value]];
  }));
}

/** A tailscaled may call its link whatever it likes; it has no hardware address. */
function isTailnetLike({ mac, linkKind }: Link): boolean {
  return mac === undefined && (linkKind === "tun" || linkKind === "wireguard");
}
