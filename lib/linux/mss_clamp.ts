/** Lowers the segment size of the pods' connections by the tailnet. */
import type { Change } from "../nft/change.ts";
import { MSS_CHAIN, type MssClamp, planMssClamp } from "../nft/mss_clamp.ts";
import { attributesOf, queryRules } from "../nft/query.ts";
import {
  type AskingSocket,
  askOptional,
  commit,
  ERESTART,
  MAX_ATTEMPTS,
  type NftSocket,
  readGeneration,
  TABLE,
} from "./nft.ts";

/**
 * Makes our table lower what is wanted and nothing else.
 * @returns the changes as commands of nft(8); none when all was as wanted.
 * @throws KernelError "firewall-failure".
 */
export function setMssClamp(socket: NftSocket, want: MssClamp): string[] {
  for (let attempt = 1;; attempt++) {
    const generation = readGeneration(socket);
    const changes = planClamp(socket, want);
    if (changes.length === 0) return [];
    const refusal = commit(socket, changes, `write ${TABLE}`, generation);
    if (!refusal) return changes.map(({ text }) => text);
    if (refusal.errno !== ERESTART || attempt === MAX_ATTEMPTS) throw refusal;
  }
}

/**
 * What {@linkcode setMssClamp} would have to do.
 * @throws KernelError "firewall-failure".
 */
export function planClamp(socket: AskingSocket, want: MssClamp): Change[] {
  const have = (askOptional(socket, queryRules(MSS_CHAIN)) ?? []).map(attributesOf);
  return planMssClamp(want, have);
}
