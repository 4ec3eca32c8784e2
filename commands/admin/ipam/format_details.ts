import type { Screen } from "../screen.ts";
import { formatAge, formatPod, formatRows } from "../table.ts";
import type { InStore } from "./lease_view.ts";
import { NETNS_STATE_TEXTS } from "./netns_state.ts";
import type { Details, LeaseDetails, RestingDetails } from "./read_details.ts";

/** What `show` found as a person reads it: a paragraph a lease. */
export function formatDetails(
  { leases, resting }: Details,
  nowMs: number,
  screen: Screen,
): string {
  return [
    ...leases.map((lease) => formatRows(leaseRows(lease, nowMs), screen)),
    ...resting.map((each) => formatRows(restingRows(each), screen)),
  ].join("\n\n");
}

function leaseRows(lease: InStore<LeaseDetails>, nowMs: number): string[][] {
  const { pod, netns, netnsState, attachment, createdMs } = lease;
  const addresses = lease.addresses.map(({ address, gateway }, index) => [
    index === 0 ? "Address" : "",
    gateway === undefined ? `${address}, no gateway` : `${address}, gateway ${gateway}`,
  ]);
  return [
    ...addresses,
    ["Pod", pod.uid === undefined ? formatPod(pod) : `${formatPod(pod)}, uid ${pod.uid}`],
    ["Network", `${lease.network}, pool ${lease.pool}`],
    ["Interface", lease.ifname],
    ["Container", lease.containerId],
    ["Namespace", netns === "" ? "not known" : `${netns}, which ${NETNS_STATE_TEXTS[netnsState]}`],
    ["Host link", hostLinkText(attachment)],
    [
      "Created",
      `${new Date(createdMs).toISOString()}, ${formatAge(nowMs - createdMs)} ago, ${
        bootText(lease.isOfThisBoot)
      }`,
    ],
    ["Cooldown", formatAge(lease.restMs)],
    ["Store", lease.store],
  ];
}

function hostLinkText(attachment: LeaseDetails["attachment"]): string {
  if (!attachment) return "not recorded";
  const link = attachment.hostLink ?? "not made yet";
  return attachment.phase === "adding" ? `${link}, ADD is not finished` : link;
}

function bootText(isOfThisBoot: boolean | undefined): string {
  if (isOfThisBoot === undefined) return "in which boot is not known";
  return isOfThisBoot ? "in this boot" : "before the machine started";
}

function restingRows(resting: InStore<RestingDetails>): string[][] {
  const { address, network, remainingMs, stickyPod, store, last } = resting;
  return [
    ["Address", address],
    ["Pod", stickyPod === undefined ? "none" : `none; waits for ${stickyPod}`],
    ["Last pod", formatPod(last.pod)],
    ["Interface", last.ifname],
    ["Container", last.containerId],
    ["Network", network],
    [
      "Rests",
      remainingMs > 0 ? `for ${formatAge(remainingMs)} more` : "no longer: it can be given",
    ],
    ["Store", store],
  ];
}
