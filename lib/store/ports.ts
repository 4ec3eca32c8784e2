/** Host ports and whose they are: the node has each once, in whatever network its owner is. */
import * as v from "valibot";
import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import { claimOf, claimsOverlap, formatClaim, type HostPort } from "../net/host_port.ts";
import { attachmentOfKey, PORT_PREFIX, portKey, recordKey } from "./keys.ts";
import { storedHostPorts, toStoredHostPorts } from "./port_runs.ts";
import { parseRecord, storedPod } from "./record.ts";
import { requireFits } from "./record_size.ts";
import { findPerhapsTaken, stageTaken } from "./taken_ports.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** A host port that an attachment has. */
export interface OwnedPort {
  readonly port: HostPort;
  readonly owner: AttachmentKey;
}

/**
 * Most host ports of one attachment, each family for itself: the kernel is asked for each, and what
 * is kept of it has room for so many even where no two of them follow each other.
 */
export const MAX_HOST_PORTS = 2000;

/** Of a record only what is asked for: the rest of it may be damaged. */
const RecordPod = v.fallback(v.object({ pod: storedPod }), { pod: {} });

/** What is to be freed may be damaged. */
const PortsToFree = v.fallback(v.optional(storedHostPorts, []), []);

/**
 * Stages that the ports are the attachment's; those that it has already stay its own. A port that
 * another attachment of the same container has is that one's: a runtime sends all ports with each of
 * the networks of a container.
 * @returns the ports that are the attachment's now.
 * @throws ConfigError `port-taken` that names the port and who has it, or when there are too many.
 */
export async function claimPorts(
  tx: StoreTransaction,
  key: AttachmentKey,
  ports: readonly HostPort[],
): Promise<HostPort[]> {
  if (ports.length > MAX_HOST_PORTS) {
    throw new ConfigError(
      "invalid-config",
      `Cannot attach "${formatAttachment(key)}": it wants ${ports.length} host ports, ` +
        `${MAX_HOST_PORTS} can be mapped, those of IPv4 and IPv6 together`,
    );
  }
  const rivals = await findRivals(tx, key, ports);
  const stranger = rivals.find(({ rival }) => rival.owner.containerId !== key.containerId);
  if (stranger) throw await portTaken(tx, stranger);
  const others = new Set(rivals.map(({ port }) => port));
  const own = ports.filter((port) => !others.has(port));
  await addPorts(tx, key, own);
  return own;
}

/** Stages that the attachment has no host ports. */
export async function freePorts(tx: StoreTransaction, key: AttachmentKey): Promise<void> {
  const value = await tx.get(portKey(key));
  if (value === undefined) return;
  tx.delete(portKey(key));
  // Of a port of one address others may have other addresses.
  const free = v.parse(PortsToFree, value).filter(({ hostIp }) => !hostIp);
  await stageTaken(tx, free, "free");
}

/** All host ports and their owners. */
export async function listPorts(reader: StoreReader): Promise<OwnedPort[]> {
  return (await reader.list(PORT_PREFIX)).flatMap(({ key, value }) => {
    const owner = attachmentOfKey(key);
    return parsePorts(owner, value).map((port) => ({ port, owner }));
  });
}

/**
 * Stages that ports are the attachment's, beside those that it has, whoever had them: what else tells
 * of them counts.
 * @throws ConfigError when they are too large to be kept.
 */
export async function takePorts(
  tx: StoreTransaction,
  key: AttachmentKey,
  ports: readonly HostPort[],
): Promise<void> {
  for (const { rival: { port, owner } } of await findRivals(tx, key, ports)) {
    const left = (await readPorts(tx, owner)).filter((each) => placeText(each) !== placeText(port));
    if (left.length > 0) putPorts(tx, owner, left);
    else tx.delete(portKey(owner));
  }
  await addPorts(tx, key, ports);
}

async function addPorts(
  tx: StoreTransaction,
  key: AttachmentKey,
  ports: readonly HostPort[],
): Promise<void> {
  if (ports.length === 0) return;
  const places = new Set(ports.map(placeText));
  const before = (await readPorts(tx, key)).filter((port) => !places.has(placeText(port)));
  putPorts(tx, key, [...before, ...ports]);
  await stageTaken(tx, ports, "taken");
}

async function readPorts(reader: StoreReader, key: AttachmentKey): Promise<HostPort[]> {
  return parsePorts(key, await reader.get(portKey(key)) ?? []);
}

function putPorts(tx: StoreTransaction, key: AttachmentKey, ports: readonly HostPort[]): void {
  const record = toStoredHostPorts(ports);
  requireFits(key, {}, record);
  tx.set(portKey(key), record);
}

/** A port that an attachment wants and who else has it. */
interface Conflict {
  readonly port: HostPort;
  readonly rival: OwnedPort;
}

/** Of each port that another attachment has, or has an address of, who that is. */
async function findRivals(
  reader: StoreReader,
  key: AttachmentKey,
  ports: readonly HostPort[],
): Promise<Conflict[]> {
  if ((await findPerhapsTaken(reader, ports)).length === 0) return [];
  const others = (await listPorts(reader)).filter(({ owner }) =>
    formatAttachment(owner) !== formatAttachment(key)
  );
  const byNumber = Map.groupBy(others, ({ port }) => port.hostPort);
  return ports.flatMap((port) =>
    (byNumber.get(port.hostPort) ?? [])
      .filter((rival) => claimsOverlap(claimOf(rival.port), claimOf(port)))
      .map((rival) => ({ port, rival }))
  );
}

function parsePorts(owner: AttachmentKey, value: unknown): HostPort[] {
  return parseRecord(storedHostPorts, value, `host ports of "${formatAttachment(owner)}"`);
}

async function portTaken(reader: StoreReader, { port, rival }: Conflict): Promise<ConfigError> {
  const { owner } = rival;
  const { pod: { namespace, name } } = v.parse(RecordPod, await reader.get(recordKey(owner)));
  const pod = name === undefined
    ? ""
    : ` (pod ${namespace === undefined ? "" : `${namespace}/`}${name})`;
  const claim = claimOf(port);
  return new ConfigError(
    "port-taken",
    `Cannot map host port "${formatClaim(claim)}" of IPv${claim.family}: ` +
      `"${formatAttachment(owner)}"${pod} has "${formatClaim(claimOf(rival.port))}"; ` +
      `choose another port, or remove that pod`,
  );
}

/** What of the node a port takes: the same text for the same. */
function placeText(port: HostPort): string {
  return `${port.target.family} ${formatClaim(claimOf(port))}`;
}
