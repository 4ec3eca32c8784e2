/** Whose an address of the tailnet is, from the JSON of `apitype.WhoIsResponse`. */
import * as v from "valibot";
import type { Address } from "../net/address.ts";
import { parseWith } from "../schema.ts";
import { wirePrefixes, wireText, wireTexts } from "./wire.ts";

/** A node by one of its addresses. */
export interface Whois {
  /** `nodekey:` and 64 hexadecimal digits. */
  readonly nodeKey: string;
  /** Full name in the tailnet, without the final dot. */
  readonly dnsName: string;
  readonly addresses: readonly Address[];
  readonly tags: readonly string[];
  /** Login name of the user who owns it; a stand-in for tagged nodes. */
  readonly user: string;
}

const WhoisAnswer = v.object({
  Node: v.object({ Key: wireText, Name: wireText, Addresses: wirePrefixes, Tags: wireTexts }),
  UserProfile: v.nullish(v.object({ LoginName: wireText }), {}),
});

/**
 * Reads the answer of `GET whois`.
 * @throws ConfigError when it is none.
 */
export function parseWhois(value: unknown): Whois {
  const { Node, UserProfile } = parseWith(WhoisAnswer, value, "whois of tailscaled");
  return {
    nodeKey: Node.Key,
    dnsName: Node.Name.replace(/\.$/, ""),
    addresses: Node.Addresses.map(({ address }) => address),
    tags: Node.Tags,
    user: UserProfile.LoginName,
  };
}
