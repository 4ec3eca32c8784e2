import type { NetworkConfig } from "../cni/request.ts";

/** Capability that tells host ports: CONVENTIONS.md of the CNI specification, `portMappings`. */
const PORT_MAPPINGS = "portmappings";

/**
 * What is kept for DEL of a configuration: all but the mappings of host ports, which may be a thousand
 * and are recorded as what became of them.
 */
export function recordedConfig({ raw }: NetworkConfig): NetworkConfig["raw"] {
  const { runtimeConfig } = raw;
  if (typeof runtimeConfig !== "object" || runtimeConfig === null) return raw;
  const kept = Object.entries(runtimeConfig)
    .filter(([capability]) => capability.toLowerCase() !== PORT_MAPPINGS);
  return { ...raw, runtimeConfig: Object.fromEntries(kept) };
}
