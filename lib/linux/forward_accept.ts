/** Lets the pods' packets pass in the firewalls of others that are made of nf_tables. */
import type { Prefix } from "../net/prefix.ts";
import type { Change } from "../nft/change.ts";
import {
  type ForeignChain,
  type ForeignTable,
  parseChains,
  queryChains,
  queryForeignRules,
} from "../nft/foreign_chain.ts";
import { FORWARD_CHAIN, type ForwardState, planForwardAccept } from "../nft/forward_accept.ts";
import { attributesOf } from "../nft/query.ts";
import {
  ask,
  type AskingSocket,
  askOptional,
  commit,
  ERESTART,
  MAX_ATTEMPTS,
  type NftSocket,
  readGeneration,
} from "./nft.ts";

/**
 * Makes each base chain that drops forwarded packets by its policy let those of pods pass, by one
 * rule at its beginning; takes what we put elsewhere away.
 * @param podCidrs networks of the pods of this node; none take all of ours away.
 * @returns the changes as commands of nft(8); none when all was as wanted.
 * @throws KernelError "firewall-failure".
 */
export function setForwardAccept(socket: NftSocket, podCidrs: readonly Prefix[]): string[] {
  for (let attempt = 1;; attempt++) {
    const generation = readGeneration(socket);
    const changes = planAccept(socket, podCidrs);
    if (changes.length === 0) return [];
    const refusal = commit(socket, changes, "let pods pass in the node's firewall", generation);
    if (!refusal) return changes.map(({ text }: Change) => text);
    if (refusal.errno !== ERESTART || attempt === MAX_ATTEMPTS) throw refusal;
  }
}

/**
 * What {@linkcode setForwardAccept} would have to do.
 * @throws KernelError "firewall-failure".
 */
export function planAccept(socket: AskingSocket, podCidrs: readonly Prefix[]): Change[] {
  return observeTables(socket).flatMap((state) => planForwardAccept(podCidrs, state));
}

/** The tables in which something drops, or is ours. */
function observeTables(socket: AskingSocket): ForwardState[] {
  const chains = parseChains(ask(socket, queryChains()));
  const byTable = Map.groupBy(chains, ({ table }) => `${table.family} ${table.name}`);
  return [...byTable.values()].flatMap((members) => {
    const [first] = members;
    const hasOurs = members.some(({ name }) => name === FORWARD_CHAIN);
    if (!first || !hasOurs && !members.some(({ dropsForwarded }) => dropsForwarded)) return [];
    return [observeTable(socket, first.table, members, hasOurs)];
  });
}

/** Where we have a chain, a chain whose policy drops no more may still lead to it. */
function observeTable(
  socket: AskingSocket,
  table: ForeignTable,
  chains: readonly ForeignChain[],
  hasOurs: boolean,
): ForwardState {
  const rulesOf = (chain: string) =>
    (askOptional(socket, queryForeignRules(table, chain)) ?? []).map(attributesOf);
  return {
    table,
    accepts: hasOurs ? rulesOf(FORWARD_CHAIN) : undefined,
    chains: chains
      .filter(({ isForward, dropsForwarded }) => dropsForwarded || hasOurs && isForward)
      .map(({ name, dropsForwarded }) => ({ name, drops: dropsForwarded, rules: rulesOf(name) })),
  };
}
