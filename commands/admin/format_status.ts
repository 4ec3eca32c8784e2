import type { AttachmentStatus, Status } from "./read_status.ts";
import type { Screen } from "./screen.ts";
import { formatAge, formatContainerId, formatPod, formatTable } from "./table.ts";

/** The status as a person reads it: a paragraph a store. */
export function formatStatus(
  { version, stores }: Status,
  nowMs: number,
  screen: Screen,
): string {
  const paragraphs = stores.map(({ directory, exists, schema, attachments }) => {
    if (!exists) return `Store ${directory}: nothing was ever attached`;
    const title = `Store ${directory}, format ${schema}: ${attachments.length} attached`;
    const rows = attachments.map((attachment) => formatRow(attachment, nowMs));
    return rows.length === 0 ? title : `${title}\n${formatTable(HEADINGS, rows, screen)}`;
  });
  return [`headcni ${version}`, ...paragraphs].join("\n\n");
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
