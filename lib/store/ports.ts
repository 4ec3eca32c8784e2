/** Host ports and whose they are: the node has each once, in whatever network its owner is. */
import * as v from "valibot";
import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import {
  claimOf,
  claimsOverlap,
  formatClaim,
  type HostPort,
  type HostPortClaim,
} from "../net/host_port.ts";
import { PORT_PREFIX, portKey, portPrefix, recordKey } from "./keys.ts";
import { parseRecord, storedAddress, storedKey, storedPod } from "./record.ts";
import type { StoreEntry, StoreReader, StoreTransaction } from "./transaction.ts";

/** A host port that an attachment has. */
export interface OwnedPort {
  readonly claim: HostPortClaim;
  readonly owner: AttachmentKey;
}

/**
 * Most host ports of one attachment, each family for itself: a commit takes 1,000 changes, and one
 * may have to forget as many attachments as `LEASES_PER_COMMIT`.
 */
export const MAX_HOST_PORTS = 100;

/** Of a record only what is asked for: the rest of it may be damaged. */
const RecordPod = v.fallback(v.object({ pod: storedPod }), { pod: {} });

const PortKey = v.tuple([
  v.literal("port"),
  v.picklist(["tcp", "udp", "sctp"]),
  v.number(),
  storedAddress,
]);

/**
 * Stages that the ports are the attachment's; those that it has already stay its own. Ports are
 * read by listing, without a check of their versions, of which a commit takes 100: should somebody
 * write without our lock, the kernel still refuses to lead one port to two places.
 * @throws ConfigError `port-taken` that names the port and who has it, or when there are too many.
 */
export async function claimPorts(
  tx: StoreTransaction,
  key: AttachmentKey,
  ports: readonly HostPort[],
): Promise<void> {
  if (ports.length > MAX_HOST_PORTS) {
    throw new ConfigError(
      "invalid-config",
      `Cannot attach "${formatAttachment(key)}": it wants ${ports.length} host ports, ` +
        `${MAX_HOST_PORTS} can be mapped, those of IPv4 and IPv6 together`,
    );
  }
  for (const claim of ports.map(claimOf)) {
    const [rival] = await findRivals(tx, key, claim);
    if (rival) throw await portTaken(tx, claim, rival);
    tx.set(portKey(claim), key);
  }
}

/** Stages that ports of the attachment are free; those of others, and free ones, stay as they are. */
export async function freePorts(
  tx: StoreTransaction,
  key: AttachmentKey,
  claims: readonly HostPortClaim[],
): Promise<void> {
  for (const claim of claims) {
    const owned = await listOverlapping(tx, claim);
    if (owned.some((each) => isSamePlace(each.claim, claim) && isSameOwner(each.owner, key))) {
      tx.delete(portKey(claim));
    }
  }
}

/** Who else has what a claim takes: one, or for a claim of any address several. */
export async function findRivals(
  reader: StoreReader,
  key: AttachmentKey,
  claim: HostPortClaim,
): Promise<OwnedPort[]> {
  return (await listOverlapping(reader, claim)).filter(({ owner }) => !isSameOwner(owner, key));
}

/** All host ports and their owners. */
export async function listPorts(reader: StoreReader): Promise<OwnedPort[]> {
  return (await reader.list(PORT_PREFIX)).map(parseOwnedPort);
}

/** Stages a port that is told of elsewhere. */
export function restorePort(tx: StoreTransaction, { claim, owner }: OwnedPort): void {
  tx.set(portKey(claim), owner);
}

async function listOverlapping(reader: StoreReader, claim: HostPortClaim): Promise<OwnedPort[]> {
  return (await reader.list(portPrefix(claim))).map(parseOwnedPort)
    .filter((owned) => claimsOverlap(owned.claim, claim));
}

function parseOwnedPort({ key, value }: StoreEntry): OwnedPort {
  const [, protocol, hostPort, address] = parseRecord(PortKey, key, "key of a host port");
  const claim: HostPortClaim = {
    protocol,
    hostPort,
    hostIp: address.value === 0n ? undefined : address,
    family: address.family,
  };
  return { claim, owner: parseRecord(storedKey, value, `owner of port "${formatClaim(claim)}"`) };
}

async function portTaken(
  reader: StoreReader,
  claim: HostPortClaim,
  { claim: taken, owner }: OwnedPort,
): Promise<ConfigError> {
  const { pod: { namespace, name } } = v.parse(RecordPod, await reader.get(recordKey(owner)));
  const pod = name === undefined
    ? ""
    : ` (pod ${namespace === undefined ? "" : `${namespace}/`}${name})`;
  return new ConfigError(
    "port-taken",
    `Cannot map host port "${formatClaim(claim)}" of IPv${claim.family}: ` +
      `"${formatAttachment(owner)}"${pod} has "${formatClaim(taken)}"; ` +
      `choose another port, or remove that pod`,
  );
}

function isSamePlace(a: HostPortClaim, b: HostPortClaim): boolean {
  return String(portKey(a)) === String(portKey(b));
}

function isSameOwner(a: AttachmentKey, b: AttachmentKey): boolean {
  return formatAttachment(a) === formatAttachment(b);
}
