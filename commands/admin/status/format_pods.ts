/** What is attached, as a person reads it. */
import type { Screen } from "../screen.ts";
import { formatAge, formatContainerId, formatPod, formatTable } from "../table.ts";
import type { AttachmentStatus, StoreStatus } from "./read_stores.ts";

/** A paragraph a store, a line an attachment. */
export function formatPods(stores: readonly StoreStatus[], nowMs: number, screen: Screen): string {
  return stores.map(({ directory, exists, schema, attachments }) => {
    if (!exists) return `Store ${directory}: nothing was ever attached`;
    const title = `Store ${directory}, format ${schema}: ${attachments.length} attached`;
    const rows = attachments.map((attachment) => formatRow(attachment, nowMs));
    return rows.length === 0 ? title : `${title}\n${formatTable(HEADINGS, rows, screen)}`;
  }).join("\n\n");
}

const HEADINGS = ["POD", "NETWORK", "INTERFACE", "ADDRESSES", "HOST LINK", "CONTAINER", "AGE"];

function formatRow(attachment: AttachmentStatus, nowMs: number): string[] {
  const { pod, network, ifname, addresses, hostLink, containerId, phase, createdMs } = attachment;
  const age = formatAge(nowMs - createdMs);
  return [
    formatPod(pod),
    network,
    ifname,
    addresses.join(",") || "-",
    hostLink ?? "-",
    formatContainerId(containerId),
    phase === "adding" ? `${age} (not finished)` : age,
  ];
}
