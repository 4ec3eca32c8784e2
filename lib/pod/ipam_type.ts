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

/**
 * The IPAM plugin of somebody else that a network configuration names in `ipam.type`; undefined
 * when the addresses are ours to give.
 */
export function foreignIpamType(raw: Readonly<Record<string, unknown>>): string | undefined {
  const { type } = Object(raw.ipam);
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
  const { type } = Object(raw.ipam);
  return OWN_TYPES.has(type || raw.type);
}
