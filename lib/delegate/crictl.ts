/** What the container runtime says of itself, by `crictl`, the tool of the CRI. */
import { ClientError, errorText } from "../errors.ts";
import { runChild } from "./child.ts";

/** crictl itself gives up before. */
const DEADLINE_MS = 4_000;
const PATIENCE = "2s";

/**
 * The JSON of `crictl info`; undefined where there is no crictl.
 * @param socket of the runtime, unless `CONTAINER_RUNTIME_ENDPOINT` of our environment names one.
 * @throws ClientError when it fails.
 */
export async function crictlInfo(
  socket: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const endpoint = env.CONTAINER_RUNTIME_ENDPOINT || `unix://${socket}`;
  const options = {
    args: ["--timeout", PATIENCE, "info"],
    env: { CONTAINER_RUNTIME_ENDPOINT: endpoint },
    stdin: "",
    deadlineMs: DEADLINE_MS,
  };
  try {
    const { code, timedOut, stdout, stderr } = await runChild("crictl", options);
    if (code === 0) return stdout;
    throw failure(
      socket,
      timedOut ? `it did not end in ${DEADLINE_MS / 1_000} s` : lastLine(stderr),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof ClientError) throw error;
    throw failure(socket, errorText(error), error);
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) || "it says nothing";
}

function failure(socket: string, seen: string, cause?: unknown): ClientError {
  return new ClientError(
    "delegate-failure",
    `Cannot ask the runtime at "${socket}" by crictl: ${seen}`,
    { cause },
  );
}
