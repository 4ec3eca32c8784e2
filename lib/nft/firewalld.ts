/**
 * firewalld's own table. It rejects what is forwarded by its last rule, behind which no accept of ours
 * is of use, and writes its rules anew at each reload: what it lets pass is up to who configures it.
 */
import { addressBytes } from "../net/address.ts";
import { containsPrefix, networkOf, type Prefix } from "../net/prefix.ts";
import {
  nestedAttributes,
  parseAttributeList,
  parseAttributes,
  readString,
} from "../wire/attribute.ts";
import { NLM_F_DUMP } from "../wire/message.ts";
import type { ForeignChain } from "./foreign_chain.ts";
import * as nf from "./nf_tables.ts";
import type { Query } from "./query.ts";

/** Names of firewalld: src/firewall/core/nftables.py. */
const TABLE = "firewalld";
const CHAIN = "filter_FORWARD";

/** Whether it is the chain in which firewalld rejects. */
export function isFirewalldForward({ table, name, isForward }: ForeignChain): boolean {
  return isForward && table.family === nf.NFPROTO_INET && table.name === TABLE && name === CHAIN;
}

/** Asks for all rules of firewalld. */
export function queryFirewalldRules(): Query {
  return {
    call: "NFT_MSG_GETRULE",
    flags: NLM_F_DUMP,
    attributes: [[nf.NFTA_RULE_TABLE, TABLE]],
    family: nf.NFPROTO_INET,
  };
}

/**
 * The networks that no rule of firewalld names, nor one around them: nobody told it of them. Whether the
 * zone of one that is named lets it pass is not looked at, and a rule that names the bridge is enough.
 * @param rules by their attributes.
 */
export function unknownToFirewalld(
  networks: readonly Prefix[],
  bridge: string,
  rules: readonly Uint8Array[],
): Prefix[] {
  const values = rules.flatMap(comparedValues);
  if (values.some((value) => readString(value) === bridge)) return [];
  const named = new Set(values.map((value) => value.toHex()));
  return networks.filter((network) => !namesOf(network).some((name) => named.has(name)));
}

/** What a packet's fields or its interfaces are compared with. */
function comparedValues(rule: Uint8Array): Uint8Array[] {
  const program = parseAttributes(rule).get(nf.NFTA_RULE_EXPRESSIONS) ?? new Uint8Array();
  return parseAttributeList(program).flatMap(({ payload }) => {
    const expression = parseAttributes(payload);
    if (readString(expression.get(nf.NFTA_EXPR_NAME)) !== "cmp") return [];
    const data = nestedAttributes(expression, nf.NFTA_EXPR_DATA);
    const value = nestedAttributes(data, nf.NFTA_CMP_DATA).get(nf.NFTA_DATA_VALUE);
    return value ? [value] : [];
  });
}

/** Shortest length of a prefix that counts: a value of one byte can be anything. */
const MIN_LENGTH = 8;

/** The network and those around it, as nft(8) compares them: whole bytes are loaded alone. */
function namesOf({ address, length }: Prefix): string[] {
  const lengths = Array.from({ length: length - MIN_LENGTH + 1 }, (_, i) => MIN_LENGTH + i);
  return lengths.map((each) => {
    const bytes = addressBytes(networkOf({ address, length: each }).address);
    return (each % 8 === 0 ? bytes.subarray(0, each / 8) : bytes).toHex();
  });
}

/** Networks of the cluster, and those of this node that are in none of them. */
export function networksToTell(
  podCidrs: readonly Prefix[],
  clusterCidrs: readonly Prefix[],
): Prefix[] {
  const outside = podCidrs.filter((cidr) => !clusterCidrs.some((all) => containsPrefix(all, cidr)));
  return [...clusterCidrs, ...outside].map(networkOf);
}
