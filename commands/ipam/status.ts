import type { AttachContext } from "../../lib/attach/context.ts";
import { openRequestStore } from "../../lib/attach/open_store.ts";
import { parseOwnIpam } from "../../lib/attach/own_ipam.ts";
import type { Request } from "../../lib/cni/request.ts";
import { errorText, HeadcniError } from "../../lib/errors.ts";
import { requireFree } from "../../lib/ipam/allocate.ts";
import { decideOn } from "../../lib/store/blocks.ts";
import { probeWrite } from "../../lib/store/store.ts";

/**
 * Tries what ADD needs: the configuration, a store that can be written, a free address of each set.
 * @throws HeadcniError `unavailable` with the reason.
 */
export async function status(request: Request, context: AttachContext): Promise<void> {
  try {
    const { config } = parseOwnIpam(request);
    await using store = await openRequestStore(request, context);
    await store.write(async (tx) => {
      await probeWrite(tx);
      await decideOn(tx, request.config.name, requireFree(config));
    });
  } catch (cause) {
    throw new HeadcniError("unavailable", `Cannot serve ADD: ${errorText(cause)}`, { cause });
  }
}
