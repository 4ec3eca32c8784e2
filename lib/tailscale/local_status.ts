/** The status of the node's tailscaled, by its LocalAPI: a socket that only root may use. */
import * as v from "valibot";
import { ClientError, errorText } from "../errors.ts";
import { parseWith } from "../schema.ts";

/** What we read of it. */
export interface LocalStatus {
  /** The state machine of ipn: `Running` when the node is in its tailnet. */
  readonly backendState: string;
  /** Nodes that it knows. */
  readonly peers: number;
}

/** The name that LocalAPI wants to be called by: tailscale, client/local. */
const HOST = "local-tailscaled.sock";
/**
 * Deno looks names up even where a socket is asked, and waits 5 seconds for a name server that does not
 * answer: an address needs none.
 */
const ORIGIN = "http://127.0.0.1";
const DEADLINE_MS = 3_000;

const Status = v.object({
  BackendState: v.string(),
  Peer: v.nullish(v.record(v.string(), v.unknown()), {}),
});

/**
 * Asks a tailscaled.
 * @param socket path of its socket.
 * @throws ClientError when there is none, or its answer makes no sense.
 */
export async function readLocalStatus(socket: string): Promise<LocalStatus> {
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socket },
    allowHost: true,
  });
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const url = `${ORIGIN}/localapi/v0/status`;
    const response = await fetch(url, { client, signal, headers: { host: HOST } });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`it answered ${response.status}`);
    }
    const { BackendState, Peer } = parseWith(Status, await response.json(), "its status");
    return { backendState: BackendState, peers: Object.keys(Peer ?? {}).length };
  } catch (cause) {
    throw new ClientError(
      "delegate-failure",
      `Cannot ask tailscaled at "${socket}": ${errorText(cause)}`,
      { cause },
    );
  }
}
