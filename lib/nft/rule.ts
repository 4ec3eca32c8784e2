import { commentBytes } from "./comment.ts";
import * as nf from "./nf_tables.ts";
import type { Statement } from "./statement.ts";
import type { Tree } from "./tree.ts";

/** A rule of ours. */
export interface Rule {
  /** Tells our rules from others and from each other; at most 127 bytes, as nft(8) allows. */
  readonly comment: string;
  /** Carried out one after the other, until one does not match. */
  readonly statements: readonly Statement[];
}

/** The attributes by which a rule is known as ours. */
export function tagTree({ comment }: Rule): Tree {
  return [[nf.NFTA_RULE_USERDATA, commentBytes(comment)]];
}

/** The attributes of a rule wherever it is: what it does, and its tag. */
export function ruleTree(rule: Rule): Tree {
  const expressions = rule.statements.flatMap((statement) => statement.expressions);
  const program = expressions.map(({ name, data }): Tree[number] => [
    nf.NFTA_LIST_ELEM,
    [[nf.NFTA_EXPR_NAME, name], [nf.NFTA_EXPR_DATA, data]],
  ]);
  return [[nf.NFTA_RULE_EXPRESSIONS, program], ...tagTree(rule)];
}
