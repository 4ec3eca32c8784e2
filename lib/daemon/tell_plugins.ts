/** What the plugins' STATUS says of this node, for as long as a daemon looks after it. */
import type { AttachContext } from "../attach/context.ts";
import { nodeStatePath } from "../attach/node_state.ts";
import { log } from "../log.ts";
import { writeAtomically } from "./atomic_file.ts";

/** Tells it; a run directory that cannot be written is logged. */
export function tellPlugins(
  { node, runDirectory }: AttachContext,
  problems: readonly string[],
): void {
  const state = { bootId: node.bootId(), problems };
  try {
    Deno.mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
    writeAtomically(nodeStatePath(runDirectory), `${JSON.stringify(state)}\n`, { mode: 0o600 });
  } catch (error) {
    log.warn("Cannot tell the plugins of the state of the node", { error });
  }
}

/**
 * Tells nothing any more when it is disposed of: what a daemon that ends has said last would keep a
 * node from its pods for ever, for nobody takes it back.
 */
export function untellPlugins(runDirectory: string): Disposable {
  return {
    [Symbol.dispose]() {
      try {
        Deno.removeSync(nodeStatePath(runDirectory));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return;
        log.warn("Cannot take back what the plugins were told of the node", { error });
      }
    },
  };
}
