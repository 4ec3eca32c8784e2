import type { AttachmentStatus, Status } from "./collect_status.ts";
import { formatAge, formatTable } from "./table.ts";

/** The status as a person reads it: a paragraph a store. */
export function formatStatus({ version, stores }: Status, nowMs: number): string {
  const paragraphs = stores.map(({ directory, exists, schema, attachments }) => {
    if (!exists) return `Store ${directory}: nothing was ever attached`;
    const title = `Store ${directory}, format ${schema}: ${attachments.length} attached`;
    const rows = attachments.map((attachment) => formatRow(attachment, nowMs));
    return rows.length === 0 ? title : `${title}\n${formatTable([HEADINGS, ...rows])}`;
  });
  return [`headcni ${version}`, ...paragraphs].join("\n\n");
}

const HEADINGS = ["POD", "NETWORK", "INTERFACE", "ADDRESSES", "HOST LINK", "CONTAINER", "AGE"];

/** As many characters of a container id as runtimes show. */
const SHOWN_ID_CHARACTERS = 12;

function formatRow(attachment: AttachmentStatus, nowMs: number): string[] {
  const { pod, network, ifname, addresses, hostLink, containerId, phase, createdMs } = attachment;
  const age = formatAge(nowMs - createdMs);
  return [
    [pod.namespace, pod.name].filter((part) => part !== undefined).join("/") || "-",
    network,
    ifname,
    addresses.join(",") || "-",
    hostLink ?? "-",
    containerId.slice(0, SHOWN_ID_CHARACTERS),
    phase === "adding" ? `${age} (not finished)` : age,
  ];
}
