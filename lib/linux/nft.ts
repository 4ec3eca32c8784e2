/**
 * nf_tables over netlink: makes our table hold what is wanted. Reads cost one short request each;
 * nothing is sent when nothing is missing. The socket's namespace is the one that is changed.
 */
import { KernelError } from "../errors.ts";
import type { Interval } from "../nft/interval.ts";
import { type Change, encodeTransaction, removeTable as removingTable } from "../nft/change.ts";
import { type Masquerade, masqueradeTable } from "../nft/masquerade.ts";
import { type Extent, planTable } from "../nft/plan.ts";
import * as query from "../nft/query.ts";
import { nftRequest } from "../nft/request.ts";
import { type Table, TABLE_NAME } from "../nft/table.ts";
import type { Acknowledgement, Message } from "../wire/message.ts";
import { ENOENT, errnoText } from "./errno.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";

/** A socket of which questions are all that is used. */
export type AskingSocket = Pick<NetlinkSocket, "request">;

/** A socket of protocol `NETLINK_NETFILTER`; only these calls of it are made. */
export type NftSocket = Pick<NetlinkSocket, "request" | "requestBatch">;

/** A socket of the same protocol for changes that another thread waits for. */
export type BackgroundNftSocket = Pick<NetlinkSocket, "request" | "requestBatchInBackground">;

/** How errors name our table. */
export const TABLE = `table "inet ${TABLE_NAME}"`;
/** The ruleset is of another generation than the transaction was made for: asm-generic/errno.h. */
export const ERESTART = 85;
/** Each lost attempt is a transaction of somebody else between our read and our write. */
export const MAX_ATTEMPTS = 100;

/**
 * Makes the node masquerade what is wanted, beside what it masqueraded before. Processes that do
 * this at once do not double a rule: what is written holds only for the ruleset that was read.
 * @returns `present` when nothing was missing and nothing was written.
 * @throws KernelError "firewall-failure".
 */
export function ensureMasquerade(socket: NftSocket, want: Masquerade): "present" | "changed" {
  const table = masqueradeTable(want);
  if (planChanges(socket, table).length === 0) return "present"; // nearly always
  for (let attempt = 1;; attempt++) {
    const generation = readGeneration(socket);
    const changes = planChanges(socket, table);
    if (changes.length === 0) return "present";
    const refusal = commit(socket, changes, `write ${TABLE}`, generation);
    if (!refusal) return "changed";
    if (refusal.errno !== ERESTART || attempt === MAX_ATTEMPTS) throw refusal;
  }
}

/**
 * What {@linkcode ensureMasquerade} would have to do, as commands of nft(8); empty when nothing is
 * missing.
 * @throws KernelError "firewall-failure".
 */
export function missingMasquerade(socket: NftSocket, want: Masquerade): string[] {
  return planChanges(socket, masqueradeTable(want)).map(({ text }) => text);
}

/**
 * Removes our table with all that it holds; answers whether it was there.
 * @throws KernelError "firewall-failure".
 */
export function removeTable(socket: NftSocket): boolean {
  const refusal = commit(socket, [removingTable()], `remove ${TABLE}`);
  if (refusal && refusal.errno !== ENOENT) throw refusal;
  return refusal === undefined;
}

/** The generation of the ruleset, by which {@linkcode commit} sees that somebody wrote since. */
export function readGeneration(socket: AskingSocket): number {
  return query.parseGeneration(ask(socket, query.queryGeneration()));
}

/** Compares what is wanted with what there is; one short request for each set and chain. */
export function planChanges(socket: AskingSocket, want: Table, extent?: Extent): Change[] {
  const sets = new Map<string, Interval[]>();
  for (const { name, family } of want.sets) {
    const elements = askOptional(socket, query.queryElements(name));
    if (elements) sets.set(name, query.parseElements(family, elements));
  }
  const rules = new Map<string, Uint8Array[]>();
  for (const { name } of want.chains) {
    const list = askOptional(socket, query.queryRules(name)) ?? [];
    rules.set(name, list.map(query.attributesOf));
  }
  return planTable(want, { sets, rules }, extent);
}

/** Sends one transaction; answers why it was refused, if it was. */
export function commit(
  socket: NftSocket,
  changes: readonly Change[],
  doing: string,
  generation?: number,
): KernelError | undefined {
  const requests = encodeTransaction(changes, generation);
  return refusalOf(changes, doing, firewall(() => socket.requestBatch(requests, doing)));
}

/** {@linkcode commit} on another thread. */
export async function commitInBackground(
  socket: BackgroundNftSocket,
  changes: readonly Change[],
  doing: string,
): Promise<KernelError | undefined> {
  const requests = encodeTransaction(changes);
  try {
    const answers = await socket.requestBatchInBackground(requests, doing);
    return refusalOf(changes, doing, answers);
  } catch (cause) {
    throw asFirewall(cause);
  }
}

function refusalOf(
  changes: readonly Change[],
  doing: string,
  answers: readonly Acknowledgement[],
): KernelError | undefined {
  const position = answers.findIndex(({ errno }) => errno !== 0);
  const answer = answers[position];
  if (!answer) return undefined;
  const change = changes[position - 1]; // none for the brackets
  const call = change?.call ?? "NFNL_MSG_BATCH";
  const words = answer.text ? `: ${answer.text}` : "";
  return new KernelError(
    call,
    answer.errno,
    `Cannot ${doing}: ${call}: ${errnoText(answer.errno)}${words}`,
    { reason: "firewall-failure", ...change && { details: change.text } },
  );
}

/** {@linkcode ask} that answers undefined when there is no such thing. */
export function askOptional(socket: AskingSocket, question: query.Query): Message[] | undefined {
  try {
    return ask(socket, question);
  } catch (error) {
    if (error instanceof KernelError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

/**
 * Asks a question.
 * @throws KernelError "firewall-failure".
 */
export function ask(
  socket: AskingSocket,
  { call, flags, attributes, family }: query.Query,
): Message[] {
  const request = nftRequest(call, flags, attributes, family);
  return firewall(() =>
    socket.request(request, call, `read ${family === undefined ? TABLE : "the ruleset"}`)
  );
}

/** Marks the kernel's refusals as those of the firewall. */
function firewall<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw asFirewall(cause);
  }
}

function asFirewall(cause: unknown): unknown {
  if (!(cause instanceof KernelError)) return cause;
  const { call, errno, message } = cause;
  return new KernelError(call, errno, message, { reason: "firewall-failure", cause });
}
