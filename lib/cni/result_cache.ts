/**
 * What a container runtime remembers of an attachment: one file of libcni's cache, written after
 * the ADD of the whole chain and removed after its DEL; `cachedInfo` in libcni/api.go.
 */
import * as v from "valibot";
import { type AttachmentKey, formatAttachment, type PodReference } from "../attachment.ts";
import { ConfigError, errorText } from "../errors.ts";
import { linkNameFault } from "../net/link.ts";
import { parseWith } from "../schema.ts";
import { parseArgs, podReference } from "./args.ts";
import { hasNameAlphabet } from "./environment.ts";
import type { ResultInterface, ResultIp } from "./result.ts";
import { parseResult } from "./result_codec.ts";
import { answerVersion } from "./version.ts";

/** An attachment as the runtime knows it. */
export interface CachedAttachment {
  readonly key: AttachmentKey;
  /** Path of the pod's namespace; empty when neither the runtime nor its result names one. */
  readonly netns: string;
  readonly pod: PodReference;
  /** Addresses in the result of the whole chain. */
  readonly ips: readonly ResultIp[];
  /** Configurations of the chain's plugins as they were at ADD, without what libcni puts in. */
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
}

/** Name of the file that libcni keeps an attachment in: `getCacheFilePath` in libcni/api.go. */
export function cacheFileName({ network, containerId, ifname }: AttachmentKey): string {
  return `${network}-${containerId}-${ifname}`;
}

/**
 * Reads the text of one file. A bare result, as libcni before 0.8 wrote it, names no attachment and
 * is refused.
 * @throws ConfigError with all that is wrong.
 */
export function parseCachedAttachment(text: string): CachedAttachment {
  const { networkName, containerId, ifName, netns, cniArgs, config, result } = parseWith(
    CachedInfo,
    parseJson(text, "cached result"),
    "cached result",
  );
  const key = { network: networkName, containerId, ifname: ifName };
  const what = `cached config of "${formatAttachment(key)}"`;
  const conf = parseWith(CachedConfig, parseJson(config ?? "{}", what), what);
  const args = parseArgs(cniArgs?.map((pair) => pair.join("=")).join(";") ?? "", { strict: false });
  const { interfaces, ips } = parseResult(result ?? {}, "cached result", answerVersion(conf));
  return {
    key,
    // Before 1.2 libcni did not keep the path, and what podman and containerd 1 write has none.
    netns: netns || findSandbox(interfaces, ifName),
    pod: podReference(args),
    ips,
    plugins: conf.plugins ?? [conf],
  };
}

const name = v.pipe(v.string(), v.check(hasNameAlphabet, "a name of the CNI alphabet wanted"));
const object = v.record(v.string(), v.unknown());

/** Go's `[]byte` as JSON: base64 of RFC 4648. */
const base64Text = v.pipe(
  v.string(),
  v.base64("base64 wanted"),
  v.transform((text) => new TextDecoder().decode(Uint8Array.fromBase64(text))),
);

const CachedInfo = v.object({
  kind: v.literal("cniCacheV1"),
  networkName: name,
  containerId: name,
  ifName: v.pipe(
    v.string(),
    v.check((text) => linkNameFault(text) === undefined, "an interface name wanted"),
  ),
  netns: v.nullish(v.string()),
  cniArgs: v.nullish(v.array(v.tuple([v.string(), v.string()]))),
  config: v.nullish(base64Text),
  result: v.nullish(object),
});

/** A single configuration, or a list of them. */
const CachedConfig = v.looseObject({ plugins: v.exactOptional(v.array(object)) });

/** Where the pod's end is, by the result of ADD. */
function findSandbox(interfaces: readonly ResultInterface[], ifname: string): string {
  return interfaces.find(({ name, sandbox }) => name === ifname && sandbox)?.sandbox ?? "";
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("decode-failure", `Cannot decode ${what}: ${errorText(cause)}`, {
      cause,
    });
  }
}
