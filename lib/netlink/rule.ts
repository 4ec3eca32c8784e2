/** Routing policy rules over rtnetlink: those that send prefixes to a table. */
import { addressBytes, addressFromBytes, type Family } from "../net/address.ts";
import { networkOf, type Prefix } from "../net/prefix.ts";
import type { KernelRule, Rule } from "../net/rule.ts";
import {
  type Attributes,
  parseAttributes,
  readU32,
  viewOf,
  WireWriter,
} from "../wire/attribute.ts";
import { type Message, NLM_F_CREATE, NLM_F_EXCL } from "../wire/message.ts";
import { HEADCNI_RTPROT } from "./route.ts";
import {
  AF_BY_FAMILY,
  dumpRequest,
  familyOf,
  type RouteRequest,
  routeRequest,
} from "./rtnetlink.ts";

/**
 * Bytes of `struct fib_rule_hdr`: u8 family, destination length, source length, TOS, table, two
 * reserved, action, then u32 flags.
 */
const HEADER_BYTES = 12;

/** Rule attributes and actions: linux/fib_rules.h. */
const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_PRIORITY = 6;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_PAD = 18;
const FRA_PROTOCOL = 21;
const FR_ACT_TO_TBL = 1;
/** Value of FRA_SUPPRESS_PREFIXLEN that suppresses nothing. */
const SUPPRESS_NOTHING = 0xffffffff;

/** Attributes that a rule of ours may have; any other restricts it further. */
const PLAIN_ATTRIBUTES: ReadonlySet<number> = new Set([
  FRA_DST,
  FRA_SRC,
  FRA_PRIORITY,
  FRA_SUPPRESS_PREFIXLEN,
  FRA_TABLE,
  FRA_PAD,
  FRA_PROTOCOL,
]);

/** Adds a rule as one of ours; refused (EEXIST) when there is the same. */
export function addRule(rule: Rule): RouteRequest {
  const body = ruleBody(rule).attributeU8(FRA_PROTOCOL, HEADCNI_RTPROT);
  return routeRequest("RTM_NEWRULE", body, NLM_F_CREATE | NLM_F_EXCL);
}

/** Removes a rule, whoever made it. */
export function removeRule(rule: Rule): RouteRequest {
  return routeRequest("RTM_DELRULE", ruleBody(rule));
}

/** Asks for all rules of a family. */
export function listRules(family: Family): RouteRequest {
  const header = new Uint8Array(HEADER_BYTES);
  header[0] = AF_BY_FAMILY[family];
  return dumpRequest("RTM_GETRULE", new WireWriter().bytes(header));
}

/**
 * Reads an `RTM_NEWRULE` message; undefined when the rule selects by more than prefixes, or does
 * something else than look up a table.
 * @throws RangeError when it is cut short.
 */
export function decodeRule(message: Message): KernelRule | undefined {
  const header = viewOf(message.body);
  const family = familyOf(header.getUint8(0));
  const attributes = parseAttributes(message.body.subarray(HEADER_BYTES));
  if (!family || !isPlain(header, attributes)) return undefined;
  const to = decodePrefix(attributes.get(FRA_DST), header.getUint8(1));
  const from = decodePrefix(attributes.get(FRA_SRC), header.getUint8(2));
  return {
    family,
    priority: readU32(attributes.get(FRA_PRIORITY)) ?? 0,
    table: readU32(attributes.get(FRA_TABLE)) ?? header.getUint8(4),
    protocol: attributes.get(FRA_PROTOCOL)?.at(0) ?? 0,
    ...from && { from },
    ...to && { to },
  };
}

function isPlain(header: DataView, attributes: Attributes): boolean {
  const suppressed = readU32(attributes.get(FRA_SUPPRESS_PREFIXLEN)) ?? SUPPRESS_NOTHING;
  const tos = header.getUint8(3);
  const action = header.getUint8(7);
  const flags = header.getUint32(8, true);
  return tos === 0 && action === FR_ACT_TO_TBL && flags === 0 &&
    suppressed === SUPPRESS_NOTHING &&
    [...attributes.keys()].every((type) => PLAIN_ATTRIBUTES.has(type));
}

function decodePrefix(bytes: Uint8Array | undefined, length: number): Prefix | undefined {
  return bytes && { address: addressFromBytes(bytes), length };
}

function ruleBody({ family, from, to, priority, table }: Rule): WireWriter {
  const body = new WireWriter()
    .u8(AF_BY_FAMILY[family]).u8(to?.length ?? 0).u8(from?.length ?? 0).u8(0)
    .u8(table <= 255 ? table : 0).u8(0).u8(0).u8(FR_ACT_TO_TBL)
    .u32(0);
  if (to) body.attribute(FRA_DST, addressBytes(networkOf(to).address));
  if (from) body.attribute(FRA_SRC, addressBytes(networkOf(from).address));
  body.attributeU32(FRA_PRIORITY, priority);
  return table <= 255 ? body : body.attributeU32(FRA_TABLE, table);
}
