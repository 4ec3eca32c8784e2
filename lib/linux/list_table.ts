/** Our table in words, where there may be no nft(8): rules by what they say of themselves, and elements. */
import { FAMILIES } from "../net/address.ts";
import { readComment } from "../nft/comment.ts";
import { formatInterval } from "../nft/interval.ts";
import { prefixSets } from "../nft/masquerade.ts";
import * as nf from "../nft/nf_tables.ts";
import * as query from "../nft/query.ts";
import { parseAttributes, readString } from "../wire/attribute.ts";
import { type AskingSocket, askOptional } from "./nft.ts";

/**
 * Rules and sets of our table, one text each; none when there is no table.
 * @throws KernelError "firewall-failure".
 */
export function listTable(socket: AskingSocket): string[] {
  const rules = (askOptional(socket, query.queryAllRules()) ?? []).map((message) => {
    const attributes = parseAttributes(query.attributesOf(message));
    const chain = readString(attributes.get(nf.NFTA_RULE_CHAIN)) ?? "";
    return `chain ${chain}: ${readComment(attributes.get(nf.NFTA_RULE_USERDATA)) ?? "a rule"}`;
  });
  const sets = FAMILIES.flatMap((family) =>
    prefixSets(family).flatMap((name) => {
      const elements = askOptional(socket, query.queryElements(name));
      const texts = elements &&
        query.parseElements(family, elements).map((each) => formatInterval(family, each));
      return texts ? [`set ${name}: ${texts.join(", ")}`] : [];
    })
  );
  return [...rules, ...sets];
}
