/**
 * The limits of a pod as steps. What the pod receives leaves the node by the host link, so a queue
 * there does; what it sends enters there, where the kernel has no queue, so it is handed to an ifb
 * that has one.
 */
import type { Step } from "../host/step.ts";
import type { Link } from "../net/link.ts";
import { queueLimitBytes, type Rate, type ShapedQueue } from "../net/rate.ts";
import type { Bandwidth } from "./bandwidth.ts";
import type { PodIdentity } from "./facts.ts";
import { formatIfbAlias, ifbName } from "./identity.ts";

/** Bytes of an Ethernet header, which queues count: `ETH_HLEN`, linux/if_ether.h. */
const ETHERNET_HEADER_BYTES = 14;

/** What was seen of a pod's limits. */
export interface BandwidthFacts {
  /** Limit of the host link. */
  readonly hostLimit: ShapedQueue | undefined;
  /** Index of the link that is handed what the pod sends. */
  readonly redirectIndex: number | undefined;
  readonly ifb: Link | undefined;
  /** Limit of the ifb. */
  readonly ifbLimit: ShapedQueue | undefined;
}

/**
 * The steps that limit a pod whose host link is there; none without limits.
 * @param mtuBytes MTU of the host link.
 */
export function planBandwidth(
  { key, hostLink }: PodIdentity,
  { toPod, fromPod }: Bandwidth,
  mtuBytes: number,
): Step[] {
  const ifb = ifbName(key);
  const limit = (name: string, rate: Rate): Step => ({
    kind: "limit-link",
    name,
    rate: withRoom(rate, mtuBytes),
  });
  return [
    ...toPod ? [limit(hostLink, toPod)] : [],
    ...fromPod
      ? [
        { kind: "add-ifb", name: ifb, mtuBytes, alias: formatIfbAlias(key) } as const,
        limit(ifb, fromPod),
        { kind: "redirect-link", name: hostLink, to: ifb } as const,
      ]
      : [],
  ];
}

/**
 * Tells what is missing or different, one text each; an empty list means all is well. What limits a
 * direction that we do not is somebody else's, and no difference.
 * @param mtuBytes as for {@linkcode planBandwidth}.
 */
export function diffBandwidth(
  { key, hostLink }: PodIdentity,
  { toPod, fromPod }: Bandwidth,
  mtuBytes: number,
  { hostLimit, redirectIndex, ifb, ifbLimit }: BandwidthFacts,
): string[] {
  const name = ifbName(key);
  const differences = toPod ? diffLimit(hostLink, withRoom(toPod, mtuBytes), hostLimit) : [];
  if (!fromPod) return differences;
  if (!ifb) return [...differences, `link ${name} is missing`];
  if (!ifb.up) differences.push(`link ${name} is down`);
  if (redirectIndex !== ifb.index) {
    differences.push(`what enters host link ${hostLink} is not redirected to ${name}`);
  }
  return [...differences, ...diffLimit(name, withRoom(fromPod, mtuBytes), ifbLimit)];
}

function diffLimit(name: string, want: Rate, have: ShapedQueue | undefined): string[] {
  if (!have) return [`link ${name} has no limit`];
  const wanted = { ...want, limitBytes: queueLimitBytes(want) };
  return [
    ...have.bytesPerSecond === wanted.bytesPerSecond ? [] : [
      `link ${name} has a rate of ${have.bytesPerSecond} instead of ${wanted.bytesPerSecond} B/s`,
    ],
    ...have.limitBytes === wanted.limitBytes ? [] : [
      `the queue of link ${name} holds ${have.limitBytes} instead of ${wanted.limitBytes} bytes`,
    ],
  ];
}

/** A packet larger than the burst would be dropped, each time: `tbf_enqueue`, net/sched/sch_tbf.c. */
function withRoom(rate: Rate, mtuBytes: number): Rate {
  return { ...rate, burstBytes: Math.max(rate.burstBytes, mtuBytes + ETHERNET_HEADER_BYTES) };
}
