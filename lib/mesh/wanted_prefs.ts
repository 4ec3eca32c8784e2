/** What tailscaled is to be set to for pods, beside what its owner set. */
import { equalPrefixes, type Prefix, showPrefixes } from "../net/prefix.ts";
import { mergeRoutes, NUDGE_ROUTE, ownRoutes, type RouteMerge } from "./own_routes.ts";
import type { PrefsChange, TailnetPrefs } from "./tailnet.ts";
import { tailscaleCommand } from "./tailscale_command.ts";

/** Whose the tailscaled is: the machine's, or one only for us. */
export type MeshMode = "host" | "own";

/** What the node wants of its tailscaled; what is left out is not touched. */
export interface WantedPrefs {
  /** Networks of the pods of this node, also of those that only still have pods. */
  readonly podCidrs: readonly Prefix[];
  /** Where that tailscaled listens: for what a person is told to type. */
  readonly socket?: string | undefined;
  /** The rest of it counts in mode `own` alone. */
  readonly mode: MeshMode;
  readonly hostname?: string | undefined;
  readonly acceptDns?: boolean | undefined;
}

/** What is to be changed. */
export interface PrefsPlan {
  /** Empty when nothing is to be done. */
  readonly change: PrefsChange;
  /** Why each of the changes. */
  readonly reasons: readonly string[];
  /** What is not ours to change, and what that costs. */
  readonly warnings: readonly string[];
}

/**
 * What to change so that pods reach those of other nodes. With no CIDR all that is ours is withdrawn:
 * not to be asked before the CIDRs are known.
 * @param ours routes that we advertised before.
 */
export function planPrefs(
  want: WantedPrefs,
  have: TailnetPrefs,
  ours: readonly Prefix[],
): PrefsPlan {
  const own = ownRoutes(want.podCidrs);
  const steps = [
    routeStep(mergeRoutes(have.advertiseRoutes, own.routes, ours)),
    ...switchSteps(have),
    ...(want.mode === "own" ? ownSteps(want, have) : []),
  ];
  return { ...joinSteps(steps), warnings: [...own.refused, ...warnOf(have, want.socket)] };
}

/** What to change so that nothing of ours is advertised any more; all else stays as it is. */
export function planWithdrawal(have: TailnetPrefs, ours: readonly Prefix[]): PrefsPlan {
  const step = routeStep(mergeRoutes(have.advertiseRoutes, [], ours));
  return { ...joinSteps([step]), warnings: [] };
}

interface Step {
  readonly change: PrefsChange;
  readonly reasons: readonly string[];
}

const NOTHING: Step = { change: {}, reasons: [] };

function joinSteps(steps: readonly Step[]): Step {
  return {
    change: Object.assign({}, ...steps.map(({ change }) => change)),
    reasons: steps.flatMap(({ reasons }) => reasons),
  };
}

function stepIf(isNeeded: boolean, change: PrefsChange, reason: string): Step {
  return isNeeded ? { change, reasons: [reason] } : NOTHING;
}

function routeStep({ routes, added, removed }: RouteMerge): Step {
  if (added.length === 0 && removed.length === 0) return NOTHING;
  const past = removed.filter((route) => !equalPrefixes(route, NUDGE_ROUTE));
  return {
    change: { advertiseRoutes: routes },
    reasons: [
      ...added.length > 0 ? [`advertise ${showPrefixes(added)}: pods of this node`] : [],
      ...past.length > 0 ? [`withdraw ${showPrefixes(past)}: no pods of this node`] : [],
      ...past.length < removed.length ? ["withdraw what nudged Headscale"] : [],
    ],
  };
}

function switchSteps(have: TailnetPrefs): Step[] {
  return [
    stepIf(
      !have.routeAll,
      { routeAll: true },
      "accept routes: pods of other nodes are behind them",
    ),
    stepIf(!have.noSnat, { noSnat: true }, "no SNAT: other pods see the pod's own address"),
    stepIf(
      !have.noStatefulFiltering,
      { noStatefulFiltering: true },
      "no stateful filtering: it drops what pods begin",
    ),
  ];
}

function ownSteps({ hostname, acceptDns }: WantedPrefs, have: TailnetPrefs): Step[] {
  return [
    hostname === undefined
      ? NOTHING
      : stepIf(have.hostname !== hostname, { hostname }, `name the node "${hostname}"`),
    acceptDns === undefined ? NOTHING : stepIf(
      have.corpDns !== acceptDns,
      { corpDns: acceptDns },
      `${acceptDns ? "take" : "leave"} the name resolution of the tailnet: tailscale.acceptDNS`,
    ),
  ];
}

/** By `netfilterMode`, preftype.NetfilterMode of tailscale: what it leaves to others. */
const NETFILTER_LACKS: readonly string[] = [
  "tailscaled sets no packet filter (netfilter-mode=off): a FORWARD policy of drop stops what comes " +
  "from other nodes, and nobody refuses forged tailnet addresses",
  "tailscaled's packet filter is not called (netfilter-mode=nodivert): what calls ts-forward and " +
  "ts-input is up to you",
];

/** What a condition fails by, such as shields, is not told a second time. */
function warnOf(have: TailnetPrefs, socket: string | undefined): string[] {
  const lack = NETFILTER_LACKS[have.netfilterMode];
  return [
    ...lack === undefined
      ? []
      : [`${lack}; ${tailscaleCommand(socket, "set --netfilter-mode=on")}`],
    ...have.exitNode === ""
      ? []
      : [`an exit node is in use ("${have.exitNode}"): what pods send to the internet goes by it`],
  ];
}
