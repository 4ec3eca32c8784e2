/** Masquerade as the daemon wants it: what is not wanted any more goes. */
import { HeadcniError } from "../errors.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import type { Change } from "../nft/change.ts";
import { type Masquerade, masqueradeTable, sourceFamilies, sourceSet } from "../nft/masquerade.ts";
import { queryElements } from "../nft/query.ts";
import {
  type AskingSocket,
  askOptional,
  commit,
  ERESTART,
  MAX_ATTEMPTS,
  type NftSocket,
  planChanges,
  readGeneration,
  TABLE,
} from "./nft.ts";

/**
 * Makes the node masquerade what is wanted and nothing else. A plugin that adds a network meanwhile
 * has recorded it in its store first and looks at the kernel then. So what is wanted is asked for
 * again before and after each change: a network whose plugin still saw what we took away is seen then.
 * @param want what was wanted when somebody looked last; nothing is asked for where that is there.
 * @param askAgain what is wanted now.
 * @returns the changes as commands of nft(8); none when all was as wanted.
 * @throws KernelError "firewall-failure", or what `askAgain` throws.
 */
export async function setMasquerade(
  socket: NftSocket,
  want: Masquerade,
  askAgain: () => Promise<Masquerade>,
): Promise<string[]> {
  if (planExactly(socket, want).length === 0) return []; // nearly always
  const done: string[] = [];
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const generation = readGeneration(socket);
    const changes = planExactly(socket, await askAgain());
    if (changes.length === 0) return done;
    const refusal = commit(socket, changes, `write ${TABLE}`, generation);
    if (!refusal) done.push(...changes.map(({ text }) => text));
    else if (refusal.errno !== ERESTART) throw refusal;
  }
  throw new HeadcniError(
    "firewall-failure",
    `Cannot write ${TABLE}: others changed the ruleset each of ${MAX_ATTEMPTS} times; ` +
      '"nft monitor" shows them',
  );
}

/**
 * What {@linkcode setMasquerade} would have to do.
 * @throws KernelError "firewall-failure".
 */
export function planExactly(socket: AskingSocket, want: Masquerade): Change[] {
  return planChanges(socket, masqueradeTable(want, familiesOf(socket, want)), "exactly");
}

/** Those that are wanted, and those that have a part already, which is to be empty then. */
function familiesOf(socket: AskingSocket, want: Masquerade): Family[] {
  const wanted = sourceFamilies(want);
  return FAMILIES.filter((family) =>
    wanted.includes(family) || askOptional(socket, queryElements(sourceSet(family))) !== undefined
  );
}
