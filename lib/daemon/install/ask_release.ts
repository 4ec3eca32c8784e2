/** Asks the daemon of this node which release it is of, whatever else that release tells. */
import * as v from "valibot";
import { errorText } from "../../errors.ts";
import { askDaemon, parseStatus } from "../ask_daemon.ts";

/** What is read of `/status`; the rest of it is for others. */
const Status = v.object({
  version: v.string(),
  problems: v.array(v.string()),
  reasons: v.array(v.string()),
});

/** What a daemon says of itself, or why it says nothing. */
export type ReleaseWord =
  | {
    readonly kind: "status";
    readonly version: string;
    /** Why no pod can come. */
    readonly problems: readonly string[];
    /** Why the node is not ready, of all kinds. */
    readonly reasons: readonly string[];
  }
  | { readonly kind: "silent"; readonly why: string };

/** Asks a daemon which release it is, and what it lacks. */
export async function askRelease(socket: string): Promise<ReleaseWord> {
  try {
    return { kind: "status", ...parseStatus(Status, await askDaemon(socket, "/status"), socket) };
  } catch (error) {
    return { kind: "silent", why: errorText(error) };
  }
}
