/**
 * The capability `bandwidth`: how fast a pod may receive and send. Runtimes give it in
 * `runtimeConfig` (CONVENTIONS.md, "Dynamic Plugin specific fields"); the same keys at the top of a
 * configuration, as the reference plugin of that name has them, are for pods that ask for nothing.
 */
import * as v from "valibot";
import type { NetworkConfig } from "../cni/request.ts";
import type { Rate } from "../net/rate.ts";
import { parseWith, withoutEmpty } from "../schema.ts";

/** The limits of a pod; a direction without one is not limited. */
export interface Bandwidth {
  /** Of what the pod receives, "ingress". */
  readonly toPod?: Rate;
  /** Of what the pod sends, "egress". */
  readonly fromPod?: Rate;
}

/** Rates are in bits a second, bursts in bits. */
const BITS_PER_BYTE = 8;

/** The reference plugin takes less; containerd sends 2^32 - 1 bits where a pod asks for a rate. */
const BURST_LIMIT_BITS = (2 ** 32 - 1) * BITS_PER_BYTE;

const rate = bitsBelow(Number.MAX_SAFE_INTEGER);
const burst = bitsBelow(BURST_LIMIT_BITS);
const LIMITS = { ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst };

type LimitKey = keyof typeof LIMITS;

/** Both of a pair are given, or neither. */
const PAIRS: readonly (readonly [LimitKey, LimitKey])[] = [
  ["ingressRate", "ingressBurst"],
  ["egressRate", "egressBurst"],
];

/** A rate without a burst would let nothing pass. */
const Limits = v.pipe(
  v.object(LIMITS),
  v.rawCheck(({ dataset, addIssue }) => {
    const given = { ...Object(dataset.value) };
    for (const [key, pair] of findUnpaired(given)) {
      const value = given[key];
      const at = { type: "object", origin: "value", input: given, key, value } as const;
      addIssue({ message: `a value wanted where ${pair} has one`, input: value, path: [at] });
    }
  }),
);

const Sources = v.intersect([
  Limits,
  v.object({ runtimeConfig: v.object({ bandwidth: v.optional(Limits, {}) }) }),
]);

/**
 * Reads the limits of a pod. A rate of 0 is none, and a direction that the runtime limits is limited
 * so, whatever the configuration says.
 * @throws ConfigError `invalid-config` that lists every fault.
 */
export function parseBandwidth({ name, raw, runtimeConfig }: NetworkConfig): Bandwidth {
  const input = { ...raw, runtimeConfig };
  const own = parseWith(Sources, withoutEmpty(input), `bandwidth of network config "${name}"`);
  const asked = own.runtimeConfig.bandwidth;
  const toPod = toRate(asked.ingressRate, asked.ingressBurst) ??
    toRate(own.ingressRate, own.ingressBurst);
  const fromPod = toRate(asked.egressRate, asked.egressBurst) ??
    toRate(own.egressRate, own.egressBurst);
  return { ...toPod && { toPod }, ...fromPod && { fromPod } };
}

function toRate(rateBits: number, burstBits: number): Rate | undefined {
  if (rateBits === 0) return undefined;
  return {
    bytesPerSecond: Math.floor(rateBits / BITS_PER_BYTE),
    burstBytes: Math.floor(burstBits / BITS_PER_BYTE),
  };
}

/** Numbers that say nothing are 0, and less than a byte is nothing that the kernel could count. */
function bitsBelow(limit: number) {
  const wanted = `0 (no limit), or ${BITS_PER_BYTE} to ${limit - 1} bits wanted`;
  return v.optional(
    v.pipe(
      v.number(),
      v.check(
        (bits) => Number.isInteger(bits) && (bits === 0 || bits >= BITS_PER_BYTE && bits < limit),
        wanted,
      ),
    ),
    0,
  );
}

/** The keys of limits that are absent although their pair is there. */
function findUnpaired(given: Readonly<Record<string, unknown>>): [key: LimitKey, pair: LimitKey][] {
  return PAIRS.flatMap(([one, other]) => [[one, other], [other, one]] as const)
    .filter(([key, pair]) => !given[key] && given[pair])
    .map(([key, pair]) => [key, pair]);
}
