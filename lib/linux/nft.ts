/**
 * nf_tables over netlink: makes our table hold what is wanted. Reads cost one short request each;
 * nothing is sent when nothing is missing. The socket's namespace is the one that is changed.
 */
import { KernelError } from "../errors.ts";
import type { Interval } from "../nft/interval.ts";
import { type Change, removeTable as removingTable, transaction } from "../nft/change.ts";
import { type Masquerade, masqueradeTable } from "../nft/masquerade.ts";
import { planTable, type TableState } from "../nft/plan.ts";
import * as query from "../nft/query.ts";
import type { Table } from "../nft/table.ts";
import type { Message } from "../wire/message.ts";
import { ENOENT, errnoText } from "./errno.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";

/** The ruleset is of another generation than the transaction was made for: asm-generic/errno.h. */
const ERESTART = 85;
/** Each lost attempt is a transaction of somebody else between our read and our write. */
const MAX_ATTEMPTS = 100;

/**
 * Makes the node masquerade what is wanted, beside what it masqueraded before. Processes that do
 * this at once do not double a rule: what is written holds only for the ruleset that was read.
 * @param socket of protocol `NETLINK_NETFILTER`.
 * @returns `present` when nothing was missing and nothing was written.
 * @throws KernelError "firewall-failure".
 */
export function ensureMasquerade(socket: NetlinkSocket, want: Masquerade): "present" | "changed" {
  const table = masqueradeTable(want);
  const doing = 'write table "inet headcni"';
  for (let attempt = 1;; attempt++) {
    const generation = readGeneration(socket);
    const changes = planTable(table, readTable(socket, table));
    if (changes.length === 0) return "present";
    const refusal = commit(socket, changes, doing, generation);
    if (!refusal) return "changed";
    if (refusal.errno !== ERESTART || attempt === MAX_ATTEMPTS) throw refusal;
  }
}

/**
 * What {@linkcode ensureMasquerade} would have to do, as commands of nft(8); empty when nothing is
 * missing.
 * @throws KernelError "firewall-failure".
 */
export function observeMasquerade(socket: NetlinkSocket, want: Masquerade): string[] {
  const table = masqueradeTable(want);
  return planTable(table, readTable(socket, table)).map(({ text }) => text);
}

/**
 * Removes our table with all that it holds; an absent one is no fault.
 * @throws KernelError "firewall-failure".
 */
export function removeTable(socket: NetlinkSocket): void {
  const refusal = commit(socket, [removingTable()], 'remove table "inet headcni"');
  if (refusal && refusal.errno !== ENOENT) throw refusal;
}

function readGeneration(socket: NetlinkSocket): number | undefined {
  return query.parseGeneration(ask(socket, query.queryGeneration()));
}

/** The sets and chains of our table that are wanted, as they are. */
function readTable(socket: NetlinkSocket, want: Table): TableState {
  const sets = new Map<string, Interval[]>();
  for (const { name, family } of want.sets) {
    const messages = askOptional(socket, query.queryElements(name));
    if (messages) sets.set(name, query.parseElements(family, messages));
  }
  const chains = new Map<string, query.KernelChain>();
  const rules = new Map<string, query.KernelRule[]>();
  for (const { name } of want.chains) {
    const chain = askOptional(socket, query.queryChain(name))?.at(0);
    if (!chain) continue;
    chains.set(name, query.parseChain(chain));
    rules.set(name, ask(socket, query.queryRules(name)).map(query.parseRule));
  }
  return { sets, chains, rules };
}

/** Sends one transaction; answers why it was refused, if it was. */
function commit(
  socket: NetlinkSocket,
  changes: readonly Change[],
  doing: string,
  generation?: number,
): KernelError | undefined {
  const parts = transaction(changes, generation);
  const answers = firewall(() => socket.requestBatch(parts.map(({ request }) => request), doing));
  const refused = answers.findIndex(({ errno }) => errno !== 0);
  const part = parts[refused];
  const answer = answers[refused];
  if (!part || !answer) return undefined;
  const words = answer.text ? `: ${answer.text}` : "";
  return new KernelError(
    part.call,
    answer.errno,
    `Cannot ${doing}: ${part.call}: ${errnoText(answer.errno)}${words}`,
    { reason: "firewall-failure", details: part.text },
  );
}

/** {@linkcode ask} that answers undefined when there is no such thing. */
function askOptional(socket: NetlinkSocket, question: query.Query): Message[] | undefined {
  try {
    return ask(socket, question);
  } catch (error) {
    if (error instanceof KernelError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

function ask(socket: NetlinkSocket, { call, request }: query.Query): Message[] {
  return firewall(() => socket.request(request, call, 'read table "inet headcni"'));
}

/** Marks the kernel's refusals as those of the firewall. */
function firewall<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause;
    const { call, errno, message } = cause;
    throw new KernelError(call, errno, message, { reason: "firewall-failure", cause });
  }
}
