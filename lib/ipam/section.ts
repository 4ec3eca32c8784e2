/**
 * The `ipam` section of a network configuration as it is written. Keys that we do not know are
 * ignored, unless they look like a misspelt one of ours.
 */
import * as v from "valibot";
import { ConfigError } from "../errors.ts";
import { tryParseAddress } from "../net/address.ts";
import { tryParsePrefix } from "../net/prefix.ts";
import { parsedBy, parsedText, parseWith, spelledObject, withoutEmpty } from "../schema.ts";
import { DURATION_WANTED, tryParseDurationMs } from "./duration.ts";
import { tryParseSpan } from "./span.ts";

/** The section; `stickyMs` is 0 when it is off. */
export type IpamSection = v.InferOutput<typeof Section>;

/** A member of `pools`. */
export type WrittenPool = IpamSection["pools"][number];

/** A range with what is withheld of it. */
export type WrittenRange = IpamSection["ranges"][number][number];

/** Default of `cooldown`, as it can be written. */
const DEFAULT_COOLDOWN_SECONDS = 60;
/** What `"sticky": true` means. */
const DEFAULT_STICKY_MS = 3_600_000;

/** Keys that are read elsewhere: none of them is a misspelt one of ours. */
const OTHER_KEYS: readonly string[] = [
  ...["type", "routes", "resolvConf", "dns", "dataDir"],
  // Of older systems.
  ...["subnetFile", "daemonSocket", "clusterCIDR", "nodeBlockSize"],
];

const prefix = parsedText(tryParsePrefix, "an IP prefix");
const address = v.optional(parsedText(tryParseAddress, "an IP address"));
const spans = v.optional(
  v.array(parsedText(tryParseSpan, 'an IP prefix, an IP address or "first-last"')),
  [],
);
const common = {
  rangeStart: address,
  rangeEnd: address,
  gateway: address,
  exclude: spans,
  reserved: spans,
};

/** Sets of ranges, as `ranges` and `runtimeConfig.ipRanges` have them. */
export const WrittenRangeSets = v.optional(
  v.array(v.array(spelledObject({ subnet: prefix, ...common }))),
  [],
);

const supply = { subnet: v.optional(prefix), ...common, ranges: WrittenRangeSets };
const pool = spelledObject({
  name: v.string(),
  namespaces: v.optional(v.array(v.string()), []),
  ...supply,
});
const strategy = v.optional(v.string());
const textOrSeconds = v.union([v.string(), v.number()]);
const Written = spelledObject({
  ...supply,
  pools: v.optional(v.array(pool), []),
  allocation_strategy: strategy,
  allocationStrategy: strategy,
  cooldown: v.optional(
    parsedBy(textOrSeconds, tryParseDurationMs, DURATION_WANTED),
    DEFAULT_COOLDOWN_SECONDS,
  ),
  sticky: v.optional(
    parsedBy(
      v.union([v.boolean(), textOrSeconds]),
      parseSticky,
      `true, false, or ${DURATION_WANTED}`,
    ),
    false,
  ),
}, OTHER_KEYS);
const Section = v.pipe(
  Written,
  v.transform(({ cooldown, sticky, ...section }) => ({
    ...section,
    cooldownMs: cooldown,
    stickyMs: sticky,
  })),
);

/**
 * Checks the shape of the section.
 * @param what names it in errors, such as `ipam of network "pods"`.
 * @throws ConfigError `invalid-config` with every fault and its path.
 */
export function parseSection(ipam: unknown, what: string): IpamSection {
  if (ipam === undefined) {
    throw new ConfigError("invalid-config", `IPAM config missing 'ipam' key`);
  }
  return parseWith(Section, withoutEmpty(ipam), what);
}

function parseSticky(value: boolean | string | number): number | undefined {
  if (typeof value !== "boolean") return tryParseDurationMs(value);
  return value ? DEFAULT_STICKY_MS : 0;
}
