/** What pre-auth key is made for this node. */

/** A pre-auth key as we ask Headscale for it: of `CreatePreAuthKeyRequest`, both forms of the user. */
export interface KeyRequest {
  /** Name of the user; undefined for a key that only tags own, which Headscale knows from 0.28 on. */
  readonly user: string | undefined;
  /** Each with `tag:` before it, and once. */
  readonly tags: readonly string[];
  /** Who finds it can use it no more. */
  readonly isReusable: false;
  /** A node that is away for a while keeps its registration. */
  readonly isEphemeral: false;
  /** How long it is good, in milliseconds from now on. */
  readonly lifetimeMs: number;
}

/**
 * The key to ask for; undefined when the settings name neither user nor tags: Headscale makes no key of
 * nobody's.
 */
export function planKeyRequest(
  settings: { readonly user?: string | undefined; readonly tags: readonly string[] },
): KeyRequest | undefined {
  const user = settings.user?.trim() || undefined;
  const tags = [
    ...new Set(settings.tags.map((tag) => tag.startsWith("tag:") ? tag : `tag:${tag}`)),
  ];
  if (user === undefined && tags.length === 0) return;
  return { user, tags, isReusable: false, isEphemeral: false, lifetimeMs: LIFETIME_MS };
}

/**
 * The key is used at once; the rest is for clocks that go apart, since the time that is sent is one of
 * this node's clock.
 */
const LIFETIME_MS = 3_600_000;
