/**
 * One pass of the daemon's upkeep in the namespace that this process is started in, by what is told on
 * standard input; prints what came of it.
 */
import { pluginContext } from "../../commands/context.ts";
import { reconcile } from "../../lib/daemon/reconcile.ts";
import { removeDatapath, resyncDatapath } from "../../lib/daemon/resync.ts";
import type { UpkeepContext, UpkeepOutcome, UpkeepWant } from "../../lib/daemon/upkeep.ts";
import { LegacyForward } from "../../lib/delegate/legacy_forward.ts";
import { LinuxKeeper } from "../../lib/linux/keeper.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { DEFAULT_BRIDGE } from "../../lib/pod/config.ts";
import { openStore } from "../../lib/store/store.ts";

/** What a pass is told. */
export interface UpkeepOrder {
  readonly verb: "resync" | "remove" | "reconcile";
  readonly podCidrs: readonly string[];
  readonly clusterCidrs: readonly string[];
  readonly gateways: readonly string[];
  readonly datapath?: "bridge" | "ptp";
  readonly mtuBytes?: number;
  readonly ipMasq?: boolean;
  readonly remotePodCidrs?: readonly string[];
  readonly tailnetDevice?: string;
  /** Passes, of which the last is told. */
  readonly repeat?: number;
}

/** What it prints. */
export interface UpkeepReport extends UpkeepOutcome {
  /** Of the last pass. */
  readonly durationMs: number;
}

if (import.meta.main) {
  const report = await run(await new Response(Deno.stdin.readable).json());
  // Addresses are numbers that JSON has not.
  console.log(JSON.stringify(report, (key, value) => key === "local" ? undefined : value));
  Deno.exit(); // deadlines of children that have ended long ago would keep us
}

async function run(order: UpkeepOrder): Promise<UpkeepReport | undefined> {
  const attach = pluginContext(Deno.env.toObject());
  await using store = await openStore({
    directory: attach.dataDirectory ?? "",
    runDirectory: attach.runDirectory,
  });
  using keeper = new LinuxKeeper();
  const legacyForward = new LegacyForward();
  const context: UpkeepContext = {
    attach,
    keeper,
    setLegacyForward: (podCidrs) => legacyForward.set(podCidrs),
    stores: [store],
    unread: [],
  };
  let report: UpkeepReport | undefined;
  for (let pass = 0; pass < (order.repeat ?? 1); pass++) {
    const start = performance.now();
    const outcome = await carryOut(order, context);
    report = { ...outcome, durationMs: performance.now() - start };
  }
  return report;
}

function carryOut(order: UpkeepOrder, context: UpkeepContext): Promise<UpkeepOutcome> {
  if (order.verb === "remove") return removeDatapath(context);
  if (order.verb === "reconcile") return reconcile(context, { graceMs: 0, suspects: new Map() });
  return resync(context, wantOf(order));
}

async function resync(context: UpkeepContext, want: UpkeepWant): Promise<UpkeepOutcome> {
  using host = context.attach.node.openHost();
  return await resyncDatapath(context, want, host);
}

function wantOf(order: UpkeepOrder): UpkeepWant {
  const { podCidrs, clusterCidrs, gateways, datapath, ipMasq, remotePodCidrs = [] } = order;
  return {
    network: "pods",
    datapath: datapath ?? "bridge",
    bridge: DEFAULT_BRIDGE,
    podCidrs: podCidrs.map(parsePrefix),
    clusterCidrs: clusterCidrs.map(parsePrefix),
    serviceCidrs: [parsePrefix("10.96.0.0/12")],
    gateways: gateways.map(parsePrefix),
    mtuBytes: order.mtuBytes ?? 1280,
    hairpinMode: true,
    portIsolation: false,
    guardClusterCidr: true,
    ipMasq: ipMasq ?? true,
    ipMasqTailnet: false,
    remotePodCidrs: remotePodCidrs.map(parsePrefix),
    tailnetDevice: order.tailnetDevice,
  };
}
