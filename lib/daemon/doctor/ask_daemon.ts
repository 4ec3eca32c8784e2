/** What the daemon says of its node, by its socket or, for those who may not use that, by TCP. */
import * as v from "valibot";
import { errorText } from "../../errors.ts";
import { formatAddress } from "../../net/address.ts";
import { parseWith } from "../../schema.ts";
import { askUnix } from "../../tailscale/unix_http.ts";
import type { Settings } from "../settings/settings.ts";

/** What is read of `/status`. */
export type DaemonStatus = v.InferOutput<typeof Status>;

/** Its status, or why there is none. */
export type DaemonAnswer =
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

/** It answers from its memory. */
const DEADLINE_MS = 3_000;

/**
 * Asks it.
 * @throws Error of Deno when it is not known because we may not ask.
 */
export async function askDaemon(
  { socket, monitoring }: Pick<Settings, "socket" | "monitoring">,
): Promise<DaemonAnswer> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    return answered(await askSocket(socket, signal));
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) {
      return unanswered(troubleOf(socket, error));
    }
    if (!monitoring.enabled) throw error;
    const { address, port } = monitoring;
    const host = address.family === 6 ? `[${formatAddress(address)}]` : formatAddress(address);
    return answered(
      await askTcp(`http://${host}:${port}/status`, signal).catch(() => {
        throw error;
      }),
    );
  }
}

async function askSocket(socket: string, signal: AbortSignal): Promise<unknown> {
  const request = { method: "GET", target: "/status", host: "localhost" };
  const { body } = await askUnix(socket, request, signal);
  return await new Response(body).json();
}

async function askTcp(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal });
  return await response.json();
}

function answered(value: unknown): DaemonAnswer {
  try {
    return { status: parseWith(Status, value, "status of the daemon"), trouble: "" };
  } catch (error) {
    return unanswered(`${errorText(error)}: is it of another release?`);
  }
}

function unanswered(trouble: string): DaemonAnswer {
  return { status: undefined, trouble };
}

function troubleOf(socket: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return `none listens on ${socket}`;
  if (error instanceof Deno.errors.ConnectionRefused) {
    return `none listens on ${socket} any more: it was killed`;
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `${socket}: no answer within ${DEADLINE_MS / 1000} s: it hangs`;
  }
  return `${socket}: ${errorText(error)}`;
}
