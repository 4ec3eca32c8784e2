/** What the daemon says of its node, by its socket or, for those who may not use that, by TCP. */
import * as v from "valibot";
import { errorText } from "../../errors.ts";
import { formatAddress } from "../../net/address.ts";
import {
  askDaemon,
  askDaemonByTcp,
  type DaemonAnswer,
  DaemonSilent,
  parseStatus,
} from "../ask_daemon.ts";
import type { Settings } from "../settings/settings.ts";

/** What is read of `/status`. */
export type DaemonStatus = v.InferOutput<typeof Status>;

/** Its status, or why there is none. */
export type DaemonWord =
  | { readonly status: DaemonStatus; readonly trouble: "" }
  | { readonly status: undefined; readonly trouble: string };

const texts = v.array(v.string());
const Status = v.object({
  version: v.string(),
  reasons: texts,
  warnings: texts,
  podCidrs: texts,
  source: v.nullable(v.string()),
  origin: v.nullable(v.string()),
  clusterCidrs: texts,
  serviceCidrs: texts,
});

/**
 * Asks it.
 * @throws DaemonSilent when it is not known because we may not ask.
 */
export async function askWhatIsSeen(
  settings: Pick<Settings, "socket" | "monitoring">,
): Promise<DaemonWord> {
  try {
    return { status: parseStatus(Status, await askAnyhow(settings), settings.socket), trouble: "" };
  } catch (error) {
    if (error instanceof DaemonSilent && error.silence === "forbidden") throw error;
    return { status: undefined, trouble: errorText(error) };
  }
}

async function askAnyhow(
  { socket, monitoring: { enabled, address, port } }: Pick<Settings, "socket" | "monitoring">,
): Promise<DaemonAnswer> {
  try {
    return await askDaemon(socket, "/status");
  } catch (error) {
    const isForbidden = error instanceof DaemonSilent && error.silence === "forbidden";
    if (!isForbidden || !enabled) throw error;
    const host = address.family === 6 ? `[${formatAddress(address)}]` : formatAddress(address);
    return await askDaemonByTcp(`http://${host}:${port}/status`).catch(() => {
      throw error;
    });
  }
}
