/** Names of ourselves as a network plugin: today's, and that of an older system. */
const OWN_PLUGINS: ReadonlySet<unknown> = new Set(["headcni", "ipam-cni"]);

/**
 * True for a `type` that means our network plugin: run by us, or asked for addresses, it would call
 * itself.
 */
export function isOwnPlugin(type: unknown): boolean {
  return OWN_PLUGINS.has(type);
}
