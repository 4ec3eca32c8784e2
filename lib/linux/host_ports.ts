/**
 * Host ports in nf_tables: elements of maps, by which our rules lead packets to pods. What a pod
 * costs does not depend on how many ports there are: maps are never read as a whole, but for GC.
 */
import { ConfigError, type KernelError } from "../errors.ts";
import { FAMILIES } from "../net/address.ts";
import {
  equalHostPorts,
  formatHostPort,
  type HostPort,
  type HostPortOwner,
  type KernelHostPort,
} from "../net/host_port.ts";
import type { Change } from "../nft/change.ts";
import { elementOf, HOST_PORT_MAPS, hostPortOf, hostPortTable, mapOf } from "../nft/host_ports.ts";
import { createElement, deleteElement, parseMapElements, queryElement } from "../nft/map.ts";
import { queryElements } from "../nft/query.ts";
import type { Table } from "../nft/table.ts";
import { EBUSY, EEXIST, ENOENT } from "./errno.ts";
import {
  type AskingSocket,
  askOptional,
  type BackgroundNftSocket,
  commit,
  commitInBackground,
  ERESTART,
  MAX_ATTEMPTS,
  type NftSocket,
  planChanges,
  readGeneration,
  TABLE,
} from "./nft.ts";

/**
 * Leads the ports to the pod, all or none; those that lead there already stay. A port that leads
 * to the same address for another owner becomes this one's: the address was his, and is not now.
 * @throws ConfigError `port-taken` when a port leads elsewhere; KernelError "firewall-failure".
 */
export function ensureHostPorts(
  socket: NftSocket,
  ports: readonly HostPort[],
  owner: HostPortOwner,
): void {
  if (ports.length === 0) return;
  const table = tableOf(ports, owner);
  for (let attempt = 1;; attempt++) {
    // Elements need none: of two who create the same one the kernel refuses the second.
    const generation = planChanges(socket, table).length > 0 ? readGeneration(socket) : undefined;
    const changes = [
      ...generation === undefined ? [] : planChanges(socket, table),
      ...ports.flatMap((port) => planElement(socket, port, owner)),
    ];
    if (changes.length === 0) return;
    const refusal = commit(socket, changes, `write ${TABLE}`, generation);
    if (!refusal) return;
    if (!isOutdated(refusal) || attempt === MAX_ATTEMPTS) throw refusal;
  }
}

/**
 * What {@linkcode ensureHostPorts} would have to do, as commands of nft(8), and what it could not
 * do for another has the port; empty when nothing is missing.
 * @throws KernelError "firewall-failure".
 */
export function missingHostPorts(
  socket: AskingSocket,
  ports: readonly HostPort[],
  owner: HostPortOwner,
): string[] {
  if (ports.length === 0) return [];
  const elements = ports.map((port) => ({ port, have: findHostPort(socket, port) }));
  return [
    ...planChanges(socket, tableOf(ports, owner)).map(({ text }) => text),
    ...elements.flatMap(({ port, have }) =>
      have && !equalHostPorts(have.port, port)
        ? [takenText(port, have)]
        : changeElement(port, have, owner).map(({ text }) => text)
    ),
  ];
}

/**
 * Removes those of the ports that are the owner's; others, and absent ones, stay as they are.
 * @throws KernelError "firewall-failure".
 */
export function removeHostPorts(
  socket: NftSocket,
  ports: readonly HostPort[],
  link: string,
): void {
  for (let attempt = 1;; attempt++) {
    const changes = planRemoval(socket, ports, link);
    const refusal = changes.length === 0 ? undefined : commit(socket, changes, `write ${TABLE}`);
    if (!refusal) return;
    if (refusal.errno !== ENOENT || attempt === MAX_ATTEMPTS) throw refusal;
  }
}

/** {@linkcode removeHostPorts} on another thread, for the kernel takes some ten milliseconds. */
export async function removeHostPortsInBackground(
  socket: BackgroundNftSocket,
  ports: readonly HostPort[],
  link: string,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const changes = planRemoval(socket, ports, link);
    const refusal = changes.length === 0
      ? undefined
      : await commitInBackground(socket, changes, `write ${TABLE}`);
    if (!refusal) return;
    if (refusal.errno !== ENOENT || attempt === MAX_ATTEMPTS) throw refusal;
  }
}

/**
 * What the kernel has in the place of the ports, whoever's it is; one short request each.
 * @throws KernelError "firewall-failure".
 */
export function findHostPorts(
  socket: AskingSocket,
  ports: readonly HostPort[],
): KernelHostPort[] {
  return ports.flatMap((port) => findHostPort(socket, port) ?? []);
}

/**
 * All host ports of the node: for GC, and for a DEL that knows no ports.
 * @throws KernelError "firewall-failure".
 */
export function listHostPorts(socket: AskingSocket): KernelHostPort[] {
  return HOST_PORT_MAPS.flatMap((map) => {
    const elements = parseMapElements(askOptional(socket, queryElements(map.name)) ?? []);
    return elements.flatMap((element) => {
      const port = hostPortOf(map, element);
      return port ? [{ port, link: element.comment }] : [];
    });
  });
}

function tableOf(ports: readonly HostPort[], { networks }: HostPortOwner): Table {
  const families = FAMILIES.filter((family) =>
    ports.some(({ target }) => target.family === family)
  );
  return hostPortTable(families, networks);
}

/** What makes one port lead to the pod; nothing when it does. */
function planElement(
  socket: AskingSocket,
  port: HostPort,
  owner: HostPortOwner,
): Change[] {
  const have = findHostPort(socket, port);
  if (!have || equalHostPorts(have.port, port)) return changeElement(port, have, owner);
  throw new ConfigError(
    "port-taken",
    `Cannot map host port ${takenText(port, have)}; choose another port, or remove that pod`,
  );
}

/** @param have leads where the port shall lead, if there is one. */
function changeElement(
  port: HostPort,
  have: KernelHostPort | undefined,
  owner: HostPortOwner,
): Change[] {
  if (!have) return [create(port, owner)];
  return have.link === owner.link ? [] : [remove(port), create(port, owner)];
}

function planRemoval(
  socket: AskingSocket,
  ports: readonly HostPort[],
  link: string,
): Change[] {
  return ports.filter((port) => findHostPort(socket, port)?.link === link).map(remove);
}

/** Where the port leads now. */
function findHostPort(
  socket: AskingSocket,
  port: HostPort,
): KernelHostPort | undefined {
  const map = mapOf(port);
  const answer = askOptional(socket, queryElement(map, elementOf(port, "")));
  const [element] = parseMapElements(answer ?? []);
  const have = element && hostPortOf(map, element);
  return have && { port: have, link: element.comment };
}

function create(port: HostPort, { link }: HostPortOwner): Change {
  return createElement(mapOf(port), elementOf(port, link));
}

function remove(port: HostPort): Change {
  return deleteElement(mapOf(port), elementOf(port, ""));
}

/** True when what was planned from is no more: then it is to be read anew. */
function isOutdated({ errno }: KernelError): boolean {
  return [ERESTART, EEXIST, EBUSY, ENOENT].includes(errno);
}

function takenText(port: HostPort, { port: taken, link }: KernelHostPort): string {
  const owner = link === "" ? "somebody else" : `link "${link}"`;
  return `"${formatHostPort(port)}": ${owner} has "${formatHostPort(taken)}"`;
}
