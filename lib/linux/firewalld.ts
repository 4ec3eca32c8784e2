/** What firewalld does not know of pods. */
import type { Prefix } from "../net/prefix.ts";
import { isFirewalldForward, queryFirewalldRules, unknownToFirewalld } from "../nft/firewalld.ts";
import { parseChains, queryChains } from "../nft/foreign_chain.ts";
import { attributesOf } from "../nft/query.ts";
import { ask, type AskingSocket, askOptional } from "./nft.ts";

/**
 * The networks whose packets firewalld rejects for all that its rules tell; none where it does not run,
 * or has another backend than nf_tables.
 * @throws KernelError "firewall-failure".
 */
export function findUnknownToFirewalld(
  socket: AskingSocket,
  networks: readonly Prefix[],
  bridge: string,
): Prefix[] {
  if (!parseChains(ask(socket, queryChains())).some(isFirewalldForward)) return [];
  const rules = askOptional(socket, queryFirewalldRules()) ?? [];
  return unknownToFirewalld(networks, bridge, rules.map(attributesOf));
}
