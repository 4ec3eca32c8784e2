/**
 * The state of the reference plugin host-local for one network (cni.dev, "host-local IP address
 * management plugin", "Files"): a file for each address with `<container id>\r\n<interface>`, a file
 * `last_reserved_ip.<range set>` with the address that was given last, and `lock`.
 */
import { ConfigError } from "../../../lib/errors.ts";
import { type Address, tryParseAddress } from "../../../lib/net/address.ts";
import { linkNameFault } from "../../../lib/net/link.ts";
import { showValue } from "../../../lib/schema.ts";
import { nameFault } from "./name_fault.ts";

/** Name of the file that host-local locks while it works. */
export const LOCK_FILE = "lock";

/** A file of the directory. */
export interface StateFile {
  readonly name: string;
  readonly text: string;
  /** Wall clock in milliseconds since 1970; 0 when the file system does not tell. */
  readonly modifiedMs: number;
}

/** What host-local remembers of a network. */
export interface HostLocalState {
  readonly attachments: readonly HostLocalAttachment[];
  /** The address that was given last, by range set. */
  readonly cursors: ReadonlyMap<number, Address>;
  /** Addresses whose file is empty: host-local was killed before it wrote to whom they belong. */
  readonly ownerless: readonly Address[];
}

/** An interface of a container and its addresses, IPv4 first. */
export interface HostLocalAttachment {
  readonly containerId: string;
  readonly ifname: string;
  readonly addresses: readonly Address[];
  /** Wall clock in milliseconds since 1970. */
  readonly createdMs: number;
}

/** Where releases before 0.7 wrote no interface: every runtime of that time had this one. */
const DEFAULT_IFNAME = "eth0";

/**
 * Reads the files of a network.
 * @param directory for error texts.
 * @throws ConfigError that tells every file that is not understood.
 */
export function parseHostLocal(directory: string, files: readonly StateFile[]): HostLocalState {
  const faults: string[] = [];
  const cursors = new Map<number, Address>();
  const ownerless: Address[] = [];
  const attachments = new Map<string, HostLocalAttachment>();
  for (const file of files) {
    const [, rangeSet] = /^last_reserved_ip\.(\d+)$/.exec(file.name) ?? [];
    const address = tryParseAddress(rangeSet === undefined ? file.name : file.text.trim());
    if (file.name === LOCK_FILE) continue;
    if (!address) faults.push(`${file.name}: ${wantedText(rangeSet !== undefined, file.text)}`);
    else if (rangeSet !== undefined) cursors.set(Number(rangeSet), address);
    else if (file.text.trim() === "") ownerless.push(address);
    else addOwned(attachments, file, address, faults);
  }
  if (faults.length === 0) return { attachments: [...attachments.values()], cursors, ownerless };
  throw new ConfigError(
    "invalid-config",
    `Cannot import "${directory}": ${faults.join("; ")}`,
    { details: "Wanted is host-local's directory of one network: <its dataDir>/<network>" },
  );
}

function addOwned(
  attachments: Map<string, HostLocalAttachment>,
  file: StateFile,
  address: Address,
  faults: string[],
): void {
  const [containerId = "", ifname = DEFAULT_IFNAME] = file.text.trim().split(/\r?\n/);
  if (nameFault(containerId) !== undefined) {
    faults.push(`${file.name}, line 1: a container id wanted, got ${showValue(containerId)}`);
  }
  const ifnameFault = linkNameFault(ifname);
  if (ifnameFault !== undefined) {
    faults.push(`${file.name}, line 2: interface name ${ifnameFault}: ${showValue(ifname)}`);
  }
  const key = `${containerId}/${ifname}`;
  const known = attachments.get(key);
  attachments.set(key, {
    containerId,
    ifname,
    addresses: [...known?.addresses ?? [], address].sort((a, b) => a.family - b.family),
    createdMs: Math.min(file.modifiedMs, known?.createdMs ?? Infinity),
  });
}

function wantedText(isCursor: boolean, text: string): string {
  return isCursor
    ? `an address wanted in it, got ${showValue(text)}`
    : `a name that is an address, last_reserved_ip.<number> or ${LOCK_FILE} wanted`;
}
