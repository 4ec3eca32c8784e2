/** The part of Headscale's policy that a cluster needs, as a text to be put into the policy file. */
import { distinctPrefixes, formatPrefix, networkOf, type Prefix } from "../net/prefix.ts";

/** Whose policy it is. */
export interface PolicyWant {
  readonly clusterCidrs: readonly Prefix[];
  /** Of the nodes of the cluster, each with `tag:` before it. */
  readonly tags: readonly string[];
  /** Who may give the tags to nodes by hand; without tags, whose the nodes are. */
  readonly user?: string | undefined;
}

/**
 * The policy, as huJSON, for Headscale 0.25 to 0.29. It is whole: it can be tried as it stands, though a
 * policy that says nothing of other devices allows them nothing.
 */
export function formatPolicy({ clusterCidrs, tags, user }: PolicyWant): string {
  const cidrs = distinctPrefixes(clusterCidrs.map(networkOf)).map(formatPrefix);
  const owners = user === undefined ? [] : [ownerOf(user)];
  // Nodes without tags are those of their user.
  const nodes = tags.length > 0 ? tags : owners;
  const everyPort = [...cidrs, ...nodes].map((alias) => `${alias}:*`);
  return [
    "// Nodes and pods of the cluster, for the policy file of Headscale: merge each part into the part of",
    "// the same name. Where there was no policy, everybody could reach everybody: add a rule for",
    "// whoever still should.",
    "{",
    "  // Who may give these tags to a node by hand. A pre-auth key with tags needs nobody here.",
    `  "tagOwners": ${formatLists(tags, owners, 1)},`,
    "  // These nodes serve their part of the cluster without anybody's approval.",
    '  "autoApprovers": {',
    `    "routes": ${formatLists(cidrs, nodes, 2)},`,
    "  },",
    "  // Pods and nodes reach each other by every protocol; without it, no node sees another's pods.",
    '  "acls": [',
    "    {",
    '      "action": "accept",',
    `      "src": ${formatList([...cidrs, ...nodes])},`,
    `      "dst": ${formatList(everyPort)},`,
    "    },",
    "  ],",
    "}",
    "",
  ].join("\n");
}

/** From 0.26 on a user is told from other words by an `@`, which an email address has. */
function ownerOf(user: string): string {
  return user.includes("@") ? user : `${user}@`;
}

function formatLists(keys: readonly string[], values: readonly string[], depth: number): string {
  const indent = "  ".repeat(depth);
  const lines = keys.map((key) => `${indent}  ${JSON.stringify(key)}: ${formatList(values)},\n`);
  return lines.length === 0 ? "{}" : `{\n${lines.join("")}${indent}}`;
}

function formatList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}
