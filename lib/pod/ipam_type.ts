/** Who gives addresses: ourselves, or another plugin. */

/**
 * Types that mean ourselves: our IPAM part, its name in an older system, and our network plugin,
 * which ADD refuses as an IPAM plugin and which DEL has nothing to ask for.
 */
const OWN_TYPES: ReadonlySet<unknown> = new Set([
  "headcni-ipam",
  "ipam-plugin",
  "headcni",
  "ipam-cni",
]);

/** Who does the work of a delegation that names nobody. */
export const DEFAULT_DELEGATE_TYPE = "bridge";

/** Who gives addresses below a plugin that we delegate to, when `ipam.type` is left out. */
export const DELEGATE_IPAM_TYPE = "host-local";

/**
 * The IPAM plugin of somebody else that a network configuration names, or gets by delegation;
 * undefined when the addresses are ours to give.
 */
export function foreignIpamType(raw: Readonly<Record<string, unknown>>): string | undefined {
  const type = ipamType(raw);
  return typeof type === "string" && type !== "" && !OWN_TYPES.has(type) ? type : undefined;
}

/**
 * True when a network configuration names an IPAM plugin of somebody else.
 * @param config as it was sent, or as the store kept it.
 */
export function hasForeignIpam(config: unknown): boolean {
  return foreignIpamType(Object(config)) !== undefined;
}

/**
 * True when the addresses of a network configuration are ours to give: its `ipam.type` is ours, or
 * it names none and the plugin itself is ours.
 */
export function usesOwnIpam(raw: Readonly<Record<string, unknown>>): boolean {
  return OWN_TYPES.has(ipamType(raw) || raw.type);
}

/** `ipam.type` of the configuration, else of the first of its plugins that has such a section. */
function ipamType(raw: Readonly<Record<string, unknown>>): unknown {
  const members = Array.isArray(raw.plugins) ? raw.plugins.map(Object) : [];
  const section = Object(raw.ipam ?? members.find(({ ipam }) => ipam)?.ipam);
  const isDelegated = [raw, ...members].some(({ delegate }) => delegate);
  return section.type || (isDelegated ? DELEGATE_IPAM_TYPE : undefined);
}
