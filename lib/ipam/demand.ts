/** What a caller asks for on behalf of one pod, beside the `ipam` section. */
import * as v from "valibot";
import { POD_ANNOTATIONS } from "../attachment.ts";
import { ConfigError, type Reason } from "../errors.ts";
import { type Address, distinctAddresses, tryParseAddress } from "../net/address.ts";
import { tryParsePrefix } from "../net/prefix.ts";
import { parsedText, parseWith, spelledObject, withoutEmpty } from "../schema.ts";
import { type IpamSection, WrittenRangeSets } from "./section.ts";

/** Where a caller can ask. */
export interface DemandSources {
  /** Name of a pool; wins over the pod's annotation. */
  readonly pool?: string;
  /** `IP` of `CNI_ARGS`: addresses with commas. */
  readonly argsIp?: string | undefined;
  /** `args.cni`, of which `ips` is read. */
  readonly cniArgs?: unknown;
  /** `runtimeConfig`, of which `ips`, `ipRanges` and the pod's annotations are read. */
  readonly runtimeConfig?: unknown;
}

/** What is asked for. */
export interface Demand {
  /** Name of a pool. */
  readonly pool: string | undefined;
  /** Addresses that the pod must get, without repetitions. */
  readonly addresses: readonly Address[];
  /** Range sets that come before those of the configuration. */
  readonly rangeSets: IpamSection["ranges"];
}

/** Our annotations of pods are `headcni.io/pool` and `headcni.io/ips`. */
export const ANNOTATION_PREFIX = "headcni.io/";

const ips = v.optional(v.array(parsedText(tryParseRequest, "an IP address")), []);
const CniArgs = v.optional(v.object({ ips }), {});
const RuntimeConfig = v.optional(
  v.object({
    ips,
    ipRanges: WrittenRangeSets,
    [POD_ANNOTATIONS]: v.optional(v.record(v.string(), v.unknown()), {}),
  }),
  {},
);
const Annotations = spelledObject({
  pool: v.optional(v.string()),
  ips: v.optional(v.string(), ""),
});

/**
 * Joins what all sources ask for.
 * @throws ConfigError `invalid-config` or, for `CNI_ARGS`, `invalid-environment`.
 */
export function parseDemand(sources: DemandSources): Demand {
  const cniArgs = parseWith(CniArgs, withoutEmpty(sources.cniArgs), "args.cni");
  const runtimeConfig = parseWith(
    RuntimeConfig,
    withoutEmpty(sources.runtimeConfig),
    "runtimeConfig",
  );
  const annotations = parseWith(
    Annotations,
    ownAnnotations(runtimeConfig[POD_ANNOTATIONS]),
    `annotations "${ANNOTATION_PREFIX}..."`,
  );
  return {
    pool: sources.pool ?? annotations.pool,
    rangeSets: runtimeConfig.ipRanges,
    addresses: distinctAddresses([
      ...parseList(sources.argsIp ?? "", "CNI_ARGS", "invalid-environment"),
      ...cniArgs.ips,
      ...runtimeConfig.ips,
      ...parseList(annotations.ips, `annotation "${ANNOTATION_PREFIX}ips"`, "invalid-config"),
    ]),
  };
}

/** A request may carry a prefix length, which says nothing: the range's own counts. */
function tryParseRequest(text: string): Address | undefined {
  return tryParseAddress(text) ?? tryParsePrefix(text)?.address;
}

function parseList(text: string, where: string, reason: Reason): Address[] {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return parts.map((part) => {
    const request = tryParseRequest(part);
    if (request) return request;
    throw new ConfigError(reason, `Cannot use IP "${part}" of ${where}: not an IP address`);
  });
}

/** Those of our prefix, without it. */
function ownAnnotations(annotations: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(annotations)
      .filter(([name]) => name.startsWith(ANNOTATION_PREFIX))
      .map(([name, value]) => [name.slice(ANNOTATION_PREFIX.length), value]),
  );
}
