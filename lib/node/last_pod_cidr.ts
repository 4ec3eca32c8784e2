/** What the daemon keeps on disk of the CIDRs that it used, for a start without any other source. */
import * as v from "valibot";
import { onePerFamily } from "../discovery/node_file.ts";
import { ConfigError, errorText } from "../errors.ts";
import { equalPrefixSets, formatPrefix, type Prefix, tryParsePrefix } from "../net/prefix.ts";
import { parsedText, parseWith } from "../schema.ts";

/** CIDRs that somebody gave to this node. */
export interface LastPodCidr {
  readonly nodeName: string;
  readonly cidrs: readonly Prefix[];
  /** Who named them: a `PodCidrSource`. */
  readonly source: string;
  /** Where exactly. */
  readonly origin: string;
  /** Since when they are used, RFC 3339. */
  readonly since: string;
}

/** The text of the file. */
export function formatLastPodCidr({ cidrs, ...rest }: LastPodCidr): string {
  const value = { version: VERSION, ...rest, cidrs: cidrs.map(formatPrefix) };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Reads the text of the file.
 * @throws ConfigError with all that is wrong.
 */
export function parseLastPodCidr(text: string): LastPodCidr {
  const { version: _, ...last } = parseWith(LastFile, parseJson(text), "last good value");
  return { ...last, cidrs: onePerFamily(last.cidrs) };
}

/**
 * What is to be kept once CIDRs are in use: they keep their time while they stay the same, whoever
 * names them.
 */
export function followPodCidr(
  previous: LastPodCidr | undefined,
  next: Omit<LastPodCidr, "since">,
  now: Date,
): LastPodCidr {
  const isSame = previous?.nodeName === next.nodeName &&
    equalPrefixSets(previous.cidrs, next.cidrs);
  return { ...next, since: isSame ? previous.since : now.toISOString() };
}

const VERSION = 1;

const name = v.pipe(v.string(), v.nonEmpty("a name wanted"));

const LastFile = v.object({
  version: v.literal(VERSION),
  nodeName: name,
  source: name,
  origin: v.string(),
  since: v.pipe(v.string(), v.isoTimestamp("a time wanted")),
  cidrs: v.pipe(
    v.array(parsedText(tryParsePrefix, "an IP prefix")),
    v.nonEmpty("at least one wanted"),
  ),
});

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new ConfigError("decode-failure", `no JSON: ${errorText(cause)}`, { cause });
  }
}
