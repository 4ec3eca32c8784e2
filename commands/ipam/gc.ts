import { type AttachContext, moment } from "../../lib/attach/context.ts";
import { isListed, isNetnsGone } from "../../lib/attach/left_over.ts";
import { openRequestStoreIfPresent } from "../../lib/attach/open_store.ts";
import { formatAttachment } from "../../lib/attachment.ts";
import type { Request } from "../../lib/cni/request.ts";
import { errorText, HeadcniError } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import { type Lease, listLeases, releaseLease } from "../../lib/store/leases.ts";
import type { Moment } from "../../lib/store/resting.ts";
import type { Store } from "../../lib/store/store.ts";

/** Leases that one transaction releases: Deno KV takes 100 checks a commit, a lease needs a few. */
const BATCH = 8;

/**
 * Releases the leases of this network that are not valid any more. Without a list of valid
 * attachments (which is not an empty list) only those go that two witnesses call dead: they were
 * made in another boot, and the path of their namespace is gone.
 * @throws HeadcniError `try-again` that names what could not be released, after all the rest was.
 */
export async function gc(request: Request, context: AttachContext): Promise<void> {
  await using store = await openRequestStoreIfPresent(request, context);
  if (!store) return;
  const leases = await store.read((reader) => listLeases(reader, request.config.name));
  const dead = leases.filter((lease) => isDead(lease, request, context.node.bootId()));
  const failures: string[] = [];
  for (let at = 0; at < dead.length; at += BATCH) {
    failures.push(...await release(store, dead.slice(at, at + BATCH), moment(context)));
  }
  if (failures.length === 0) return;
  throw new HeadcniError(
    "try-again",
    `Cannot release leases of network "${request.config.name}": ${failures.join("; ")}`,
  );
}

/** Answers one text when the batch could not be released. */
async function release(
  store: Store,
  leases: readonly Lease[],
  now: Moment,
): Promise<string[]> {
  try {
    await store.write(async (tx) => {
      for (const { key } of leases) await releaseLease(tx, key, now);
    });
    for (const { key } of leases) log.info("Released a lease that nobody has any more", { ...key });
    return [];
  } catch (error) {
    return [`${leases.map(({ key }) => formatAttachment(key)).join(", ")}: ${errorText(error)}`];
  }
}

function isDead({ key, netns, bootId }: Lease, request: Request, currentBootId: string): boolean {
  const valid = request.config.validAttachments;
  return valid ? !isListed(valid, key) : bootId !== currentBootId && isNetnsGone(netns);
}
